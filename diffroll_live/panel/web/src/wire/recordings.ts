// The recordings of this page, kept by the browser: a daemon that was restarted gets them again.

const STORE = "recordings";
const MOST = 4; // of all pages; the oldest make room

interface Kept {
  key: string;
  at: number;
  data: ArrayBuffer;
}

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

async function store(mode: IDBTransactionMode): Promise<IDBObjectStore> {
  const opening = indexedDB.open("diffroll-live", 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore(STORE, { keyPath: "key" });
  return (await settled(opening)).transaction(STORE, mode).objectStore(STORE);
}

/** Keep a recording; a browser that keeps none is no failure. */
export async function keep(key: string, data: ArrayBuffer): Promise<void> {
  try {
    const kept = await store("readwrite");
    await settled(kept.put({ key, at: Date.now(), data } satisfies Kept));
    const all = (await settled(kept.getAll())) as Kept[];
    const old = all.sort((a, b) => b.at - a.at).slice(MOST);
    for (const each of old) kept.delete(each.key);
  } catch {
    return;
  }
}

/** Find a recording that was kept, or null. */
export async function recall(key: string): Promise<ArrayBuffer | null> {
  try {
    const found = (await settled((await store("readonly")).get(key))) as Kept | undefined;
    return found?.data ?? null;
  } catch {
    return null;
  }
}
