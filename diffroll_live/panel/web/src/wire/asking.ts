// Questions with one answer: a promise of the reply about a job or a buffer, or of the error in its place.

import type { Connection } from "./connection.js";
import type { Replies } from "./messages.js";

/** An error of the daemon: its sentence, and its code for programs. */
export class Refusal extends Error {
  constructor(text: string, readonly code: string) {
    super(text);
  }
}

type About = { job?: string; buffer?: string };
interface Waiting {
  about: string;
  answer: keyof Replies;
  resolve: (reply: never) => void;
  reject: (reason: Refusal) => void;
}

export class Asking {
  private waiting: Waiting[] = [];

  constructor(connection: Connection, answers: readonly (keyof Replies)[]) {
    for (const answer of answers) connection.on(answer, (reply) => this.settle(answer, reply as About));
    connection.on("/diffroll/error", (reply) => this.fail(reply.about, new Refusal(reply.text, reply.code)));
  }

  /** Whether an error about something is the answer to a question. */
  expects(about: string): boolean {
    return this.waiting.some((each) => each.about === about);
  }

  /** Send something, and wait for the reply about a job or a buffer. */
  ask<A extends keyof Replies>(about: string, answer: A, send: () => boolean): Promise<Replies[A]> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ about, answer, resolve: resolve as (reply: never) => void, reject });
      if (!send()) this.fail(about, new Refusal("The daemon does not answer; try again when it is back.", "gone"));
    });
  }

  /** Give up every question: the daemon is gone. */
  lose(): void {
    for (const { about } of [...this.waiting]) {
      this.fail(about, new Refusal("The daemon is gone; try again when it is back.", "gone"));
    }
  }

  private settle(answer: keyof Replies, reply: About): void {
    const about = reply.job ?? reply.buffer;
    const found = this.waiting.find((each) => each.answer === answer && each.about === about);
    if (!found) return;
    this.waiting = this.waiting.filter((each) => each !== found);
    found.resolve(reply as never);
  }

  private fail(about: string, reason: Refusal): void {
    const failed = this.waiting.filter((each) => each.about === about);
    this.waiting = this.waiting.filter((each) => each.about !== about);
    for (const each of failed) each.reject(reason);
  }
}
