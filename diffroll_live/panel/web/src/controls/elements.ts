// The page's elements by their names in index.html; a name that is not there is a bug and said at once.

export function element<T extends HTMLElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`index.html has no #${id}`);
  return found as T;
}

export const button = (id: string): HTMLButtonElement => element<HTMLButtonElement>(id);
export const input = (id: string): HTMLInputElement => element<HTMLInputElement>(id);
export const select = (id: string): HTMLSelectElement => element<HTMLSelectElement>(id);

export function click(id: string, work: () => void): void {
  element(id).addEventListener("click", work);
}

export function say(id: string, text: string): void {
  const target = element(id);
  if (target.textContent !== text) target.textContent = text;
}

export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  text = "",
  properties: Partial<HTMLElementTagNameMap[K]> = {},
): HTMLElementTagNameMap[K] {
  const made = Object.assign(document.createElement(tag), properties);
  if (text) made.textContent = text;
  return made;
}

/** Replace the children of an element, but only where `key` is another one than last time. */
export function fill(id: string, key: unknown, children: () => Node[]): void {
  const target = element(id);
  const text = JSON.stringify(key);
  if (target.dataset["key"] === text) return;
  target.dataset["key"] = text;
  target.replaceChildren(...children());
}

/** Rows of names and values. */
export function facts(id: string, rows: readonly (readonly [string, string])[]): void {
  fill(id, rows, () => rows.flatMap(([name, value]) => [make("dt", name), make("dd", value)]));
}

/** A number from a field, within the field's own bounds. */
export function numberOf(id: string): number {
  const field = input(id);
  const value = Number(field.value);
  const [low, high] = [Number(field.min || -Infinity), Number(field.max || Infinity)];
  return Math.max(low, Math.min(high, Number.isFinite(value) ? value : low));
}

/** Set a field, unless someone is writing in it. */
export function set(id: string, value: string): void {
  if (document.activeElement !== input(id)) input(id).value = value;
}

/** Show the value of a slider beside it, whenever it moves. */
export function reads(id: string, reading: (value: number) => string): void {
  const show = () => {
    const output = document.querySelector(`output[for="${id}"]`);
    if (output) output.textContent = reading(numberOf(id));
  };
  input(id).addEventListener("input", show);
  show();
}

export function times(count: number): string {
  return count === 0 ? "never" : count === 1 ? "once" : `${count} times`;
}
