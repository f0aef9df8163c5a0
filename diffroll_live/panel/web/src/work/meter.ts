// Bars and beats from changes of tempo and signature, as /diffroll/job/tempo has them. A beat is a quarter note.

/** From `t` seconds on: `bpm` quarter notes a minute, bars of numerator/denominator; `beat` is the position at `t`. */
export interface Change {
  t: number;
  bpm: number;
  numerator: number;
  denominator: number;
  beat: number;
}

export interface Line {
  t: number;
  bar: number; // the bar that begins here, counted from 1; 0 where a beat does
}

interface Part extends Change {
  first: number; // the beat of a bar line at or before `beat`
  number: number; // the bar that begins there
  bar: number; // quarter notes in a bar
}

const NEAR = 1e-6;
export const DIVISIONS: Record<string, number> = { bar: 0, "1/4": 1, "1/8": 0.5, "1/16": 0.25, "1/16t": 1 / 6, "1/32": 0.125 };

export class Meter {
  private readonly parts: Part[] = [];

  /** At least one change, in the order of time. */
  constructor(changes: readonly Change[]) {
    changes.forEach((change, index) => {
      const next = changes[index + 1];
      const bpm = next ? (60 * (next.beat - change.beat)) / (next.t - change.t) : change.bpm;
      const bar = (4 * change.numerator) / change.denominator;
      const before = this.parts.at(-1);
      const goesOn = before?.numerator === change.numerator && before.denominator === change.denominator;
      const first = goesOn ? before.first : before ? change.beat : bar * Math.floor(change.beat / bar + NEAR);
      const passed = before ? Math.ceil((change.beat - before.first) / before.bar - NEAR) : 0;
      const number = goesOn ? before.number : before ? before.number + passed : Math.round(first / bar) + 1;
      this.parts.push({ ...change, bpm, bar, first, number });
    });
  }

  /** A steady tempo with a bar line at `t`. */
  static steady(bpm: number, numerator: number, denominator: number, t = 0): Change[] {
    return [{ t, bpm, numerator, denominator, beat: 0 }];
  }

  beatAt(t: number): number {
    const part = this.partAt((each) => each.t <= t + NEAR);
    return part.beat + ((t - part.t) * part.bpm) / 60;
  }

  timeAt(beat: number): number {
    const part = this.partAt((each) => each.beat <= beat + NEAR);
    return part.t + ((beat - part.beat) * 60) / part.bpm;
  }

  /** The bar lines in a span of seconds and, where `beats`, the lines of their beats. */
  lines(from: number, to: number, beats: boolean): Line[] {
    const found: Line[] = [];
    this.parts.forEach((part, index) => {
      const begin = Math.max(from, index ? part.t : -Infinity);
      const end = Math.min(to, this.parts[index + 1]?.t ?? Infinity);
      if (begin > end) return;
      const step = beats ? 4 / part.denominator : part.bar;
      const perBar = Math.round(part.bar / step);
      const at = (count: number) => this.timeAt(part.first + count * step);
      for (let count = Math.ceil((this.beatAt(begin) - part.first) / step - NEAR); at(count) <= end + NEAR; count++) {
        if (this.parts[index + 1] && at(count) >= this.parts[index + 1]!.t - NEAR) break;
        found.push({ t: at(count), bar: count % perBar ? 0 : part.number + count / perBar });
      }
    });
    return found;
  }

  /** The nearest line of a division (see DIVISIONS) to a time. */
  snap(t: number, division: string): number {
    const beat = this.beatAt(t);
    const part = this.partAt((each) => each.beat <= beat + NEAR);
    const step = DIVISIONS[division] || part.bar;
    return this.timeAt(part.first + step * Math.round((beat - part.first) / step));
  }

  /** Where a time lies in bars, beats and hundredths of a beat, each counted from 1 but the last: `12.3.50`. */
  place(t: number): string {
    const beat = this.beatAt(t);
    const part = this.partAt((each) => each.beat <= beat + NEAR);
    const bars = Math.floor((beat - part.first) / part.bar + NEAR);
    const step = 4 / part.denominator;
    const within = Math.max(0, (beat - part.first - bars * part.bar) / step);
    const hundredths = Math.min(99, Math.floor(100 * (within % 1) + NEAR));
    return `${part.number + bars}.${Math.floor(within) + 1}.${String(hundredths).padStart(2, "0")}`;
  }

  /** The change that holds at a time. */
  at(t: number): Change {
    return this.partAt((each) => each.t <= t + NEAR);
  }

  private partAt(before: (part: Part) => boolean): Part {
    return this.parts.findLast(before) ?? this.parts[0]!;
  }
}
