/* The frames of a clip, decoded one by one: those around a place are held as pictures, ready to be drawn.

   Stir.clipFrames(card, server, after) answers {opened (a promise of {sound}), move(k) (where one is; what follows is decoded ahead, the
   first after the last), has(k), run() (how many from there on are held without a gap), picture(k), arrive(k) (a promise, kept when
   it is held or never will be), close()}. It
   begins when the promise `after` is kept. Films are decoded by VideoDecoder, by an index of their packets that the studio makes;
   animated pictures by ImageDecoder. Both are there in secure contexts only: this machine, or https. */
(() => {
  const AHEAD = 0.2; // seconds that are decoded before they are needed,
  const HELD = 32e6; // in so many bytes of pictures,
  const COUNT = [3, 12]; // but so many pictures at least and at most
  const PLAIN = 2.1e6; // pixels of a frame that is converted
  const QUEUE = 4; // packets that wait in a decoder, beside those before the frame that is needed
  const FAULTS = 2; // times in a row that a decoder may give up
  const SLACK = 8; // pictures that come out of it late, because it shows them in another order than it decodes them

  const INDEXES = 60; // that are remembered
  const indexes = new Map(); // clip → a promise of its index
  let batch = null;

  Stir.isFilm = ({ format }) => format === "mp4" || format === "webm";

  /* Where the packets of a clip lie in its file. Those that are asked for together go in one request. */
  Stir.packetIndex = (server, id) => {
    if (indexes.has(id)) return indexes.get(id);
    if (!batch) {
      const ids = [];
      batch = { ids, answer: Promise.resolve().then(() => ((batch = null), server.index_packets({ ids }))) };
    }
    batch.ids.push(id);
    const found = batch.answer.then((all) => all?.[id] ?? Promise.reject(new Error("no index")));
    found.catch(() => indexes.delete(id));
    if (indexes.size >= INDEXES) indexes.delete(indexes.keys().next().value);
    indexes.set(id, found);
    return found;
  };

  /* A file's bytes as they come: read(offset, size) waits for them. */
  function fetchBytes(card, signal) {
    let room = null;
    let got = 0;
    let wake = null;
    let next = new Promise((go) => (wake = go));
    const turn = () => (wake(), (next = new Promise((go) => (wake = go))));
    const done = (async () => {
      const answer = await fetch(Stir.file(card.file), { signal });
      if (!answer.ok) throw new Error(String(answer.status));
      room = new Uint8Array(Number(answer.headers.get("content-length")) || card.bytes);
      const reader = answer.body.getReader();
      for (let part; !(part = await reader.read()).done; turn()) room.set(part.value, got), (got += part.value.length);
      if (got < room.length) throw new Error("cut short");
    })();
    done.catch(turn);
    return {
      all: () => done.then(() => room),
      async read(offset, size) {
        while (got < offset + size) await Promise.race([next, done]);
        return room.subarray(offset, offset + size);
      },
    };
  }

  /* H.264 or AV1. Packets go in from a key frame on and round and round; frames come out in the order in which they are shown.
     `put(k, picture)` takes each, `lacks()` says which is needed next, -1 for none. */
  async function openFilm(card, server, signal, put, lacks, fail) {
    const bytes = fetchBytes(card, signal);
    const index = await Stir.packetIndex(server, card.id);
    const { offsets, sizes, ranks, keys } = index;
    const count = ranks.length;
    const isKey = new Set(keys);
    const config = { codec: index.codec, codedWidth: card.width, codedHeight: card.height, optimizeForLatency: true };
    if (index.description) config.description = Uint8Array.from(index.description.match(/../g), (two) => parseInt(two, 16));
    // In software, if the browser has it: a hardware decoder stands still while its few pictures are held.
    const soft = { ...config, hardwareAcceleration: "prefer-software" };
    const setup = (await VideoDecoder.isConfigSupported(soft)).supported ? soft : config;
    let decoder = null;
    let sent = 0; // packets since the beginning of the clip, laps and all
    let due = 0; // the frame that comes out next, laps and all
    let busy = false;
    let faults = 0; // since a frame came out

    function take(frame) {
      const now = Math.round(frame.timestamp / 1000);
      faults = 0;
      if (now < due) return frame.close();
      for (; due < now; due += 1) put(due % count, frame.clone()); // one that didn't come out
      due += 1;
      put(now % count, frame);
      feed();
    }
    /* From the last key frame before k. */
    function begin(k) {
      const key = findKey(k);
      if (!decoder || decoder.state === "closed") decoder = new VideoDecoder({ output: take, error: trip });
      else decoder.reset();
      decoder.addEventListener("dequeue", feed);
      decoder.configure(setup);
      sent = key;
      due = ranks[key];
    }
    function trip(error) {
      if (signal.aborted) return;
      if ((faults += 1) > FAULTS) fail(error);
      else feed();
    }
    const findKey = (k) => keys.findLast((one) => ranks[one] <= k);
    const measure = (k) => (k - (due % count) + count) % count; // frames that come out before k
    /* Whether going on from where it is brings k later than from a key frame. */
    const isFar = (k) => decoder?.state !== "configured" || measure(k) > k - ranks[findKey(k)];
    async function feed() {
      if (busy) return;
      busy = true;
      try {
        for (let k; (k = lacks()) >= 0; ) {
          if (isFar(k)) begin(k);
          if (decoder.decodeQueueSize >= QUEUE + measure(k)) break;
          const [at, lap] = [sent % count, Math.floor(sent / count)];
          const data = await bytes.read(offsets[at], sizes[at]);
          if (signal.aborted) return;
          if (decoder.state === "closed") continue;
          decoder.decode(new EncodedVideoChunk({ type: isKey.has(at) ? "key" : "delta", timestamp: (lap * count + ranks[at]) * 1000, data }));
          sent += 1;
        }
      } catch (error) {
        fail(error);
      } finally {
        busy = false;
      }
    }
    return { sound: index.sound, feed, close: () => decoder?.state !== "closed" && decoder?.close() };
  }

  /* GIF and WebP. */
  async function openAnimation(card, server, signal, put, lacks, fail) {
    const data = await fetchBytes(card, signal).all();
    const decoder = new ImageDecoder({ data, type: "image/" + card.format });
    await decoder.completed;
    let busy = false;
    async function feed() {
      if (busy) return;
      busy = true;
      try {
        for (let k; (k = lacks()) >= 0; ) put(k, (await decoder.decode({ frameIndex: k })).image);
      } catch (error) {
        fail(error);
      } finally {
        busy = false;
      }
    }
    return { sound: false, feed, close: () => decoder.close() };
  }

  Stir.clipFrames = (card, server, after) => {
    const { frames } = card;
    const ahead = Math.min(frames, Stir.clamp(Math.min(card.fps * AHEAD + 1, HELD / (card.width * card.height * 1.5)) | 0, ...COUNT));
    const behind = ahead >> 1;
    const leaving = new AbortController();
    const held = new Map(); // frame → its picture, null while it is converted
    const spare = []; // pictures that nobody needs any more, to be filled again
    const waiting = new Set();
    let place = 0;
    let source = null;
    let broken = false;
    const distance = (k) => (k - place + frames) % frames;
    const isNear = (k) => distance(k) < ahead + QUEUE + SLACK || distance(k) >= frames - behind;
    function run() {
      let count = broken ? ahead : 0;
      while (count < ahead && held.get((place + count) % frames)) count += 1;
      return count;
    }
    function lacks() {
      if (broken || leaving.signal.aborted) return -1;
      let count = 0;
      while (count < ahead && held.has((place + count) % frames)) count += 1;
      return count < ahead ? (place + count) % frames : -1;
    }
    /* As pixels, where they are few: without a GPU those are drawn in half the time that a decoder's frame takes. */
    async function convert(frame) {
      const { width, height } = frame.visibleRect;
      if (!frame.format?.startsWith("I420") || width * height > PLAIN) return frame;
      const image = spare.pop() ?? new ImageData(width, height);
      try {
        await frame.copyTo(image.data, { format: "RGBX" });
      } catch {
        return frame; // a browser that copies planes only
      }
      frame.close();
      return image;
    }
    const drop = (picture) => (picture?.close ? picture.close() : picture && spare.push(picture));
    const wake = () => [...waiting].forEach((one) => one());
    async function put(k, frame) {
      if (leaving.signal.aborted || held.has(k) || !isNear(k)) return frame.close();
      held.set(k, null);
      const picture = await convert(frame);
      if (held.get(k) !== null) return drop(picture); // nobody waits for it any more
      held.set(k, picture);
      wake();
    }
    function fail() {
      broken = true;
      wake();
    }
    function move(k) {
      if (k !== place) {
        place = k;
        wake();
        for (const [other, picture] of held) if (!isNear(other)) drop(picture), held.delete(other);
      }
      source?.feed();
    }
    const arrive = (k) =>
      new Promise((go) => {
        const look = () => (broken || leaving.signal.aborted || place !== k || held.get(k)) && (waiting.delete(look), go());
        waiting.add(look);
        look();
      });
    const opened = (async () => {
      await after;
      if (leaving.signal.aborted) return;
      source = await (Stir.isFilm(card) ? openFilm : openAnimation)(card, server, leaving.signal, put, lacks, fail);
      if (leaving.signal.aborted) return void source.close();
      source.feed();
      while (!held.get(place) && !broken && !leaving.signal.aborted) await arrive(place);
      if (broken) throw new Error("decode");
      return { sound: source.sound };
    })();
    opened.catch(() => {});
    return {
      opened, move, run, arrive,
      has: (k) => broken || Boolean(held.get(k)),
      picture: (k) => held.get(k),
      close() {
        leaving.abort();
        for (const picture of held.values()) picture?.close?.();
        held.clear();
        source?.close();
        wake();
      },
    };
  };
})();
