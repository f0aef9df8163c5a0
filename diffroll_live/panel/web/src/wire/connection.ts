// The WebSocket: messages by their addresses, typed by the protocol's table; opened again when it is lost.

import { FIELDS, type Replies, type Requests } from "./messages.js";

export type Handler<A extends keyof Replies> = (reply: Replies[A]) => void;
export interface Tile {
  about: string;
  kind: string;
  step: number;
  steps: number;
  rows: number;
  rate: number;
  frames: number;
  first: number;
  levels: Uint8Array;
}
export type Link = "connecting" | "open" | "lost" | "refused" | "moved";

const FIRST_PAUSE = 300; // ms between attempts
const LAST_PAUSE = 3000;
const MOVED = 4001; // the code of a connection that another tab has taken over

/** Make an object of a reply's arguments. */
export function named<A extends keyof Replies>(address: A, values: readonly unknown[]): Replies[A] {
  const fields: readonly (keyof Replies[A])[] = FIELDS[address];
  return Object.fromEntries(fields.map((field, index) => [field, values[index]])) as Replies[A];
}

/** Read a binary frame: a line of JSON with all arguments but the levels, then the levels. */
export function readTile(frame: ArrayBuffer): Tile {
  const bytes = new Uint8Array(frame);
  const end = bytes.indexOf(10);
  const values = JSON.parse(new TextDecoder().decode(bytes.subarray(0, end))) as unknown[];
  return { ...named("/diffroll/picture", values.slice(1)), levels: bytes.subarray(end + 1) };
}

export class Connection {
  onLink: (link: Link) => void = () => undefined;
  onTile: (tile: Tile) => void = () => undefined;
  private handlers = new Map<string, ((reply: never) => void)[]>();
  private socket: WebSocket | null = null;
  private pause = FIRST_PAUSE;
  private wasOpen = false;

  constructor(readonly session: string, private token: string) {}

  /** The token of the daemon's start; another one opens the connection again. */
  admit(token: string): void {
    this.token = token;
    this.open();
  }

  currentToken(): string {
    return this.token;
  }

  on<A extends keyof Replies>(address: A, handler: Handler<A>): void {
    this.handlers.set(address, [...(this.handlers.get(address) ?? []), handler as (reply: never) => void]);
  }

  get isOpen(): boolean {
    return this.socket?.readyState === WebSocket.OPEN;
  }

  open(): void {
    this.onLink(this.wasOpen ? "lost" : "connecting");
    const url = `${location.origin.replace(/^http/, "ws")}/messages?session=${this.session}`;
    let socket: WebSocket;
    try {
      socket = new WebSocket(url, ["diffroll", `token.${this.token}`]);
    } catch {
      this.onLink("refused"); // a token that is no token
      return;
    }
    this.socket = socket;
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      this.pause = FIRST_PAUSE;
      this.wasOpen = true;
      this.onLink("open");
    };
    socket.onmessage = (event: MessageEvent<string | ArrayBuffer>) => this.receive(event.data);
    socket.onclose = (event) => {
      if (event.code === MOVED) this.onLink("moved");
      else void this.again();
    };
  }

  /** Send a message; false when there is no connection. */
  send<A extends keyof Requests>(address: A, ...values: Requests[A]): boolean {
    if (!this.isOpen) return false;
    this.socket!.send(JSON.stringify([address, ...values]));
    return true;
  }

  /** Ask whether the token is wrong, which a failed WebSocket does not say; otherwise try again after a pause. */
  private async again(): Promise<void> {
    this.onLink(this.wasOpen ? "lost" : "connecting");
    const answer = await fetch("/midi/read", {
      method: "POST",
      headers: { Authorization: `Bearer ${this.token}` },
      body: "",
    }).catch(() => null);
    if (answer?.status === 403) {
      this.onLink("refused");
      return;
    }
    setTimeout(() => this.open(), this.pause);
    this.pause = Math.min(LAST_PAUSE, 2 * this.pause);
  }

  private receive(data: string | ArrayBuffer): void {
    if (data instanceof ArrayBuffer) {
      this.onTile(readTile(data));
      return;
    }
    for (const line of data.split("\n")) {
      const [address, ...values] = JSON.parse(line) as [keyof Replies, ...unknown[]];
      const reply = named(address, values);
      for (const handler of this.handlers.get(address) ?? []) handler(reply as never);
    }
  }
}
