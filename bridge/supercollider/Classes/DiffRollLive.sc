// A client of the diffroll-live daemon: audio in, notes out. Every message of PROTOCOL.md can be sent with `send`.

DiffRollLive {
	classvar <chunkFrames = 512; // floats a datagram: far below what loopback and sclang take at once

	var <daemon, <>onError, buffers, jobs, uploads, responders;

	*new { |host = "127.0.0.1", port = 7770|
		^super.new.prInit(NetAddr(host, port))
	}

	// Send any message; the daemon answers to sclang's own port.
	send { |address ... arguments|
		daemon.sendMsg(address, *arguments)
	}

	// Have the daemon read a file of its machine; then ready.value(seconds).
	file { |buffer, path, ready|
		buffers[buffer.asSymbol] = ready;
		this.send("/diffroll/audio/file", buffer, path)
	}

	// Send mono samples (a FloatArray, -1 to 1); then ready.value(seconds). A burst would overrun the receiver, so the
	// chunks go out in step with the daemon's acknowledgements, and those that are missing go out again.
	samples { |buffer, samples, sampleRate, ready|
		var chunks = samples.clump(chunkFrames);
		buffers[buffer.asSymbol] = ready;
		uploads[buffer.asSymbol] = (chunks: chunks, queue: (0 .. chunks.size - 1));
		this.send("/diffroll/audio/open", buffer, sampleRate.asInteger, 1, samples.size, "f32", chunkFrames * 4)
	}

	// Run a task on a buffer ("" for generate). options: Event of key -> value; regions: [[t0, t1, low, high, hear], ...];
	// tempi: [[t, quarter notes a minute, numerator, denominator, beat], ...], where the music's bars are known;
	// note.value(index, pitch, onset, duration, velocity, variation) as notes come, done.value(count) at the end.
	run { |job, task, buffer, note, done, options, regions, tempi|
		jobs[job.asSymbol] = (note: note, done: done);
		this.send("/diffroll/job/new", job, task, buffer);
		(regions ? []).do { |region| this.send("/diffroll/job/region", job, *region) };
		(tempi ? []).do { |row| this.send("/diffroll/job/tempo", job, *row) };
		(options ? ()).keysValuesDo { |key, value| this.send("/diffroll/job/set", job, key, value) };
		this.send("/diffroll/job/run", job)
	}

	cancel { |job|
		this.send("/diffroll/job/cancel", job)
	}

	panic {
		this.send("/diffroll/panic")
	}

	// Stop listening to the daemon.
	free {
		responders.do(_.free)
	}

	prInit { |address|
		daemon = address;
		buffers = IdentityDictionary.new;
		jobs = IdentityDictionary.new;
		uploads = IdentityDictionary.new;
		onError = { |about, code, text| "diffroll-live: % (%)".format(text, about).warn };
		responders = [
			this.prOn("/diffroll/audio/opened", { |buffer, window| this.prUpload(buffer, window) }),
			this.prOn("/diffroll/audio/missing", { |buffer ... indices| this.prMissing(buffer, indices) }),
			this.prOn("/diffroll/audio/ack", { |buffer| uploads[buffer] !? { |upload| upload.turn !? { |turn| turn.unhang } } }),
			this.prOn("/diffroll/audio/ready", { |buffer, seconds|
				uploads.removeAt(buffer);
				buffers.removeAt(buffer).value(seconds)
			}),
			this.prOn("/diffroll/note", { |job ... note| jobs[job] !? { |asked| asked[\note].value(*note) } }),
			this.prOn("/diffroll/job/done", { |job, count| jobs.removeAt(job) !? { |asked| asked[\done].value(count) } }),
			this.prOn("/diffroll/job/cancelled", { |job| jobs.removeAt(job) }),
			this.prOn("/diffroll/error", { |about, code, text| onError.value(about, code, text) })
		]
	}

	prOn { |address, action|
		^OSCFunc({ |message| action.value(*message.drop(1)) }, address, daemon)
	}

	prMissing { |buffer, indices|
		uploads[buffer] !? { |upload|
			upload.queue = indices.collect(_.asInteger);
			this.prUpload(buffer, upload.window)
		}
	}

	prUpload { |buffer, window|
		var upload = uploads[buffer];
		upload !? {
			upload.window = window;
			upload.turn = Condition.new;
			{ this.prSendQueue(buffer, upload, window) }.fork(SystemClock)
		}
	}

	prSendQueue { |buffer, upload, window|
		upload.queue.do { |index, sent|
			this.send("/diffroll/audio/chunk", buffer, index, *upload.chunks[index]);
			if((sent + 1) % window == 0) { this.prAwaitTurn(upload) };
		};
		this.send("/diffroll/audio/close", buffer, upload.chunks.size, 0)
	}

	// Wait for an acknowledgement, a tenth of a second at most: a lost one only costs that.
	prAwaitTurn { |upload|
		SystemClock.sched(0.1, { upload.turn.unhang; nil });
		upload.turn.hang
	}
}
