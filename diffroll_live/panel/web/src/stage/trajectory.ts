// The sampling that led to the notes: estimates that, drawn over one another, show the roll as it emerges.

import type { Tile } from "../wire/connection.js";
import { Picture } from "./tiles.js";

export class Trajectory {
  readonly tiles: Tile[] = []; // in their order; a step may come in several
  private picture: Picture | null = null;
  private drawn = 0; // tiles that the picture holds

  get steps(): number {
    return (this.tiles.at(-1)?.step ?? -1) + 1;
  }

  /** Take the next estimate. */
  put(tile: Tile): void {
    if (tile.step < this.steps - 1) return; // asked for twice
    this.tiles.push(tile);
  }

  /** The roll after a step, counted from 0; after all of them where it is negative. */
  at(step: number): Picture | null {
    const { tiles } = this;
    if (!tiles.length) return null;
    const end = step < 0 ? tiles.length : tiles.findLastIndex((tile) => tile.step <= step) + 1;
    this.picture ??= new Picture(tiles[0]!.rows, tiles[0]!.rate, tiles[0]!.frames);
    if (end < this.drawn) {
      this.picture.clear();
      this.drawn = 0;
    }
    for (; this.drawn < end; this.drawn++) this.picture.put(tiles[this.drawn]!);
    return this.picture;
  }

  recolour(): void {
    this.picture?.recolour();
  }
}
