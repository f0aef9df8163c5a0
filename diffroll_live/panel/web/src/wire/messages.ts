// Written by script/build-panel from diffroll_live/osc/messages.py and replies.py.

export interface Requests {
  "/diffroll/hello": [name: string, replyPort?: number, maxDatagram?: number];
  "/diffroll/ping": [n?: number];
  "/diffroll/status": [];
  "/diffroll/panic": [];
  "/diffroll/watch": [on?: boolean | number];
  "/diffroll/history": [];
  "/diffroll/midi/ports": [];
  "/diffroll/doctor": [];
  "/diffroll/audio/file": [buffer: string, path: string, start?: number, duration?: number, origin?: number];
  "/diffroll/audio/open": [buffer: string, sampleRate: number, channels: number, frames: number, format: string, chunkBytes: number, origin?: number, latencyMs?: number];
  "/diffroll/audio/close": [buffer: string, chunks?: number, crc32?: number];
  "/diffroll/audio/listen": [buffer: string, device: string, latencyMs?: number];
  "/diffroll/audio/inputs": [];
  "/diffroll/audio/free": [buffer: string];
  "/diffroll/audio/copy": [buffer: string, client: string, source: string];
  "/diffroll/audio/picture": [buffer: string];
  "/diffroll/live/set": [buffer: string, key: string, value: string | number];
  "/diffroll/jam/start": [jam: string, source: string, name?: string];
  "/diffroll/jam/set": [jam: string, key: string, value: string | number];
  "/diffroll/jam/note": [jam: string, pitch: number, velocity: number];
  "/diffroll/jam/cue": [jam: string];
  "/diffroll/jam/listen": [jam: string];
  "/diffroll/jam/stop": [jam: string];
  "/diffroll/job/new": [job: string, task: string, buffer: string];
  "/diffroll/job/region": [job: string, t0: number, t1: number, low?: number, high?: number, hear?: boolean | number];
  "/diffroll/job/region/set": [job: string, region: number, key: string, value: string | number];
  "/diffroll/job/note": [job: string, pitch: number, t: number, duration: number, velocity: number, locked?: boolean | number];
  "/diffroll/job/tempo": [job: string, t: number, bpm: number, numerator?: number, denominator?: number, beat?: number];
  "/diffroll/job/tempo/forget": [job: string];
  "/diffroll/job/grid/changes": [job: string];
  "/diffroll/job/set": [job: string, key: string, value: string | number];
  "/diffroll/job/run": [job: string];
  "/diffroll/job/cancel": [job: string];
  "/diffroll/job/redecode": [job: string, threshold: number, minNote: number];
  "/diffroll/job/play": [job: string, variation?: number];
  "/diffroll/job/notes": [job: string];
  "/diffroll/job/finish": [job: string];
  "/diffroll/job/save": [job: string, path: string, variation?: number];
  "/diffroll/job/return": [job: string, client: string, target: string, variation?: number];
  "/diffroll/job/copy": [job: string, client: string, source: string];
  "/diffroll/job/picture": [job: string, kind: string];
  "/diffroll/transcribe": [job: string, buffer: string];
  "/diffroll/inpaint": [job: string, buffer: string, t0: number, t1: number, low?: number, high?: number];
  "/diffroll/continue": [job: string, buffer: string, seconds: number];
  "/diffroll/generate": [job: string, seconds: number];
  "/diffroll/transport": [playing: boolean | number, position: number, tempo: number, beat?: number, numerator?: number, denominator?: number];
}

export interface Replies {
  "/diffroll/welcome": { protocol: number; version: string; model: string; device: string; sampleRate: number; maxSeconds: number; weights: string };
  "/diffroll/pong": { n: number };
  "/diffroll/status": { state: string; queued: number; job: string; load: number };
  "/diffroll/status/client": { client: string; waiting: number; running: number; share: number; wait: number };
  "/diffroll/status/job": { job: string; task: string; state: string; progress: number };
  "/diffroll/panicked": {  };
  "/diffroll/audio/ready": { buffer: string; seconds: number; sampleRate: number };
  "/diffroll/audio/opened": { buffer: string; window: number };
  "/diffroll/audio/ack": { buffer: string; received: number };
  "/diffroll/audio/missing": { buffer: string; index: number[] };
  "/diffroll/audio/listening": { buffer: string; sampleRate: number };
  "/diffroll/audio/level": { buffer: string; rms: number; peak: number };
  "/diffroll/audio/overrun": { buffer: string; count: number; seconds: number };
  "/diffroll/audio/vanished": { buffer: string; text: string };
  "/diffroll/audio/reconnected": { buffer: string; sampleRate: number };
  "/diffroll/audio/inputs": { count: number };
  "/diffroll/audio/input": { name: string; system: string; channels: number; sampleRate: number; main: number };
  "/diffroll/audio/freed": { buffer: string };
  "/diffroll/job/accepted": { job: string; ahead: number };
  "/diffroll/job/progress": { job: string; step: number; steps: number };
  "/diffroll/job/grid": { job: string; source: string; confidence: number; bpm: number; numerator: number; denominator: number; firstBarT: number };
  "/diffroll/job/grid/change": { job: string; index: number; count: number; t: number; bpm: number; numerator: number; denominator: number; beat: number };
  "/diffroll/note": { job: string; index: number; pitch: number; t: number; duration: number; velocity: number; variation: number };
  "/diffroll/job/saved": { job: string; path: string };
  "/diffroll/job/done": { job: string; notes: number; seed: number; latencyMs: number };
  "/diffroll/job/cancelled": { job: string };
  "/diffroll/late": { job: string; dropped: number };
  "/diffroll/live/note": { buffer: string; index: number; lane: string; pitch: number; t: number; duration: number; velocity: number };
  "/diffroll/pedal": { job: string; t: number; duration: number };
  "/diffroll/live/pedal": { buffer: string; down: number; t: number };
  "/diffroll/bend": { job: string; index: number; after: number; semitones: number; variation: number };
  "/diffroll/live/status": { buffer: string; seconds: number; hops: number; missed: number; late: number; load: number; latencyMs: number };
  "/diffroll/jam/state": { jam: string; state: string };
  "/diffroll/jam/ahead": { jam: string; ms: number; dropped: number };
  "/diffroll/picture": { about: string; kind: string; step: number; steps: number; rows: number; rate: number; frames: number; first: number; levels: string };
  "/diffroll/watch/client": { client: string; name: string; here: number };
  "/diffroll/watch/job": { client: string; job: string; task: string; buffer: string; state: string; progress: number; notes: number; seed: number };
  "/diffroll/watch/buffer": { client: string; buffer: string; state: string; seconds: number };
  "/diffroll/watch/error": { client: string; about: string; code: string; text: string };
  "/diffroll/watch/transport": { source: string; playing: number; position: number; tempo: number; numerator: number; denominator: number; told: number };
  "/diffroll/watch/daemon": { memoryMb: number; restarts: number; losses: number; midi: string; playing: number; jackXruns: number };
  "/diffroll/history": { count: number };
  "/diffroll/history/job": { client: string; name: string; job: string; task: string; buffer: string; outcome: string; seed: number; notes: number; ago: number; latencyMs: number; options: string };
  "/diffroll/midi/ports": { count: number };
  "/diffroll/midi/port": { direction: string; name: string; ours: number };
  "/diffroll/doctor": { count: number };
  "/diffroll/doctor/finding": { topic: string; state: string; text: string; fix: string };
  "/diffroll/error": { about: string; code: string; text: string };
}

export const FIELDS: { [A in keyof Replies]: (keyof Replies[A])[] } = {
  "/diffroll/welcome": ["protocol", "version", "model", "device", "sampleRate", "maxSeconds", "weights"],
  "/diffroll/pong": ["n"],
  "/diffroll/status": ["state", "queued", "job", "load"],
  "/diffroll/status/client": ["client", "waiting", "running", "share", "wait"],
  "/diffroll/status/job": ["job", "task", "state", "progress"],
  "/diffroll/panicked": [],
  "/diffroll/audio/ready": ["buffer", "seconds", "sampleRate"],
  "/diffroll/audio/opened": ["buffer", "window"],
  "/diffroll/audio/ack": ["buffer", "received"],
  "/diffroll/audio/missing": ["buffer", "index"],
  "/diffroll/audio/listening": ["buffer", "sampleRate"],
  "/diffroll/audio/level": ["buffer", "rms", "peak"],
  "/diffroll/audio/overrun": ["buffer", "count", "seconds"],
  "/diffroll/audio/vanished": ["buffer", "text"],
  "/diffroll/audio/reconnected": ["buffer", "sampleRate"],
  "/diffroll/audio/inputs": ["count"],
  "/diffroll/audio/input": ["name", "system", "channels", "sampleRate", "main"],
  "/diffroll/audio/freed": ["buffer"],
  "/diffroll/job/accepted": ["job", "ahead"],
  "/diffroll/job/progress": ["job", "step", "steps"],
  "/diffroll/job/grid": ["job", "source", "confidence", "bpm", "numerator", "denominator", "firstBarT"],
  "/diffroll/job/grid/change": ["job", "index", "count", "t", "bpm", "numerator", "denominator", "beat"],
  "/diffroll/note": ["job", "index", "pitch", "t", "duration", "velocity", "variation"],
  "/diffroll/job/saved": ["job", "path"],
  "/diffroll/job/done": ["job", "notes", "seed", "latencyMs"],
  "/diffroll/job/cancelled": ["job"],
  "/diffroll/late": ["job", "dropped"],
  "/diffroll/live/note": ["buffer", "index", "lane", "pitch", "t", "duration", "velocity"],
  "/diffroll/pedal": ["job", "t", "duration"],
  "/diffroll/live/pedal": ["buffer", "down", "t"],
  "/diffroll/bend": ["job", "index", "after", "semitones", "variation"],
  "/diffroll/live/status": ["buffer", "seconds", "hops", "missed", "late", "load", "latencyMs"],
  "/diffroll/jam/state": ["jam", "state"],
  "/diffroll/jam/ahead": ["jam", "ms", "dropped"],
  "/diffroll/picture": ["about", "kind", "step", "steps", "rows", "rate", "frames", "first", "levels"],
  "/diffroll/watch/client": ["client", "name", "here"],
  "/diffroll/watch/job": ["client", "job", "task", "buffer", "state", "progress", "notes", "seed"],
  "/diffroll/watch/buffer": ["client", "buffer", "state", "seconds"],
  "/diffroll/watch/error": ["client", "about", "code", "text"],
  "/diffroll/watch/transport": ["source", "playing", "position", "tempo", "numerator", "denominator", "told"],
  "/diffroll/watch/daemon": ["memoryMb", "restarts", "losses", "midi", "playing", "jackXruns"],
  "/diffroll/history": ["count"],
  "/diffroll/history/job": ["client", "name", "job", "task", "buffer", "outcome", "seed", "notes", "ago", "latencyMs", "options"],
  "/diffroll/midi/ports": ["count"],
  "/diffroll/midi/port": ["direction", "name", "ours"],
  "/diffroll/doctor": ["count"],
  "/diffroll/doctor/finding": ["topic", "state", "text", "fix"],
  "/diffroll/error": ["about", "code", "text"],
};
