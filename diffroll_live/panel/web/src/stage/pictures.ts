// The pictures of the document: its spectrogram, its posteriorgram, and the sampling that led to it.

import type { Tile } from "../wire/connection.js";
import { type Picture, joined } from "./tiles.js";
import { Trajectory } from "./trajectory.js";

export class Pictures {
  spectrogram: Picture | null = null;
  posterior: Picture | null = null;
  trajectory = new Trajectory();
  step = -1; // of the trajectory that is shown; -1 is its end

  clear(): void {
    this.spectrogram = null;
    this.forgetJob();
  }

  forgetJob(): void {
    this.posterior = null;
    this.trajectory = new Trajectory();
    this.step = -1;
  }

  put(tile: Tile): void {
    if (tile.kind === "spectrogram") this.spectrogram = joined(this.spectrogram, tile);
    else if (tile.kind === "posterior") this.posterior = joined(this.posterior, tile);
    else this.trajectory.put(tile);
  }

  /** What stands behind the notes: while they are sampled the roll as it emerges, then what the model holds likely. */
  get behind(): Picture | null {
    if (this.step >= 0 || !this.posterior) return this.trajectory.at(this.step);
    return this.posterior;
  }

  recolour(): void {
    for (const picture of [this.spectrogram, this.posterior, this.trajectory]) picture?.recolour();
  }
}
