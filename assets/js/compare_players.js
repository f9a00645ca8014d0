/* What stands in a cell of a comparison and can be put at a moment: a film, an animated picture, or the photo itself.

   A player has {node, fps, frames, seconds, moving, opened (a promise of its first picture), ready(), going(), shown() (the number of the
   frame one sees, -1 before the first), error(at) (seconds that it is ahead of `at`), lag(at) (frames that its picture is behind),
   show(at) (paused, at exactly the frame of that moment; a promise), follow(at, rate, speed) (playing), rest(), sound(on), hears()
   (whether it has sound), release(), hidden (to be set where nobody sees it: then browsers don't say what it shows)}. All times are seconds in its own clip. */
(() => {
  const { h, file } = Stir;
  const AWAY = 0.3; // seconds from the moment wanted, from which on a film is put there and not hurried there
  const STILL = 0.008; // seconds of error that nobody corrects
  const MOST = 0.3; // by how much a rate is changed
  const EARLY = 0.04; // seconds ahead at which it waits
  const KEPT = 200; // ms that a rate is kept: Chromium shows wrong frames for some time after each change
  const RESTS = 80; // ms in which a film that was paused may still show its next picture
  const GOES = 0.02; // seconds after which a film with sound has really begun: its time jumps first, then stands still
  const SLOWEST = 0.0625; // the least rate that browsers play at
  const PAINTED = 300; // ms after a seek until a frame that nobody has announced counts as painted: what isn't in sight isn't
  const AIMS = [0.5, 0.7, 0.3]; // where in a frame a seek aims; a file's times may be rounded either way
  const AHEAD = 9; // seconds that browsers read ahead, and a little less: of a longer clip they keep one of their six connections
  const WHOLE = 48e6; // bytes up to which a longer one is fetched whole instead
  const DECODED = 24; // pictures of an animation that are held decoded

  /* The number of the frame at a moment. */
  const number = (at, fps, frames) => Stir.clamp(Math.floor(at * fps + 1e-4), 0, frames - 1);

  /* Where a clip is read from: as it is served, or fetched whole where it would hold a connection that another player needs. */
  async function findSource(card, signal) {
    const url = file(card.file);
    if (card.seconds <= AHEAD || card.bytes > WHOLE) return { url, free: () => {} };
    const answer = await fetch(url, { signal });
    if (!answer.ok) throw new Error(String(answer.status));
    const made = URL.createObjectURL(await answer.blob());
    return { url: made, free: () => URL.revokeObjectURL(made) };
  }

  function film(card, label) {
    const node = h("video", { class: "cell-film", muted: true, playsinline: true, preload: "auto", tabindex: "-1", "aria-label": label });
    node.disablePictureInPicture = true;
    const { fps, frames } = card;
    const leaving = new AbortController();
    let free = () => {};
    let begins = null; // the time that the file gives its first frame
    let seen = -1;
    let painted = null; // who waits for the next picture
    let wanted = null; // the frame a paused film is to be at
    let settling = null;
    let gone = false;
    let loaded = false; // before that a browser resets what is asked of it
    let base = -1; // the rate of all
    let next = 0; // when its own rate may change
    let from = 0; // where it stood still last
    let resting = 0; // until when it may still show another picture
    const now = () => node.currentTime - (begins ?? 0);
    const middle = (k, aim = 0.5) => (begins ?? 0) + (k + aim) / fps;

    function note(_, { mediaTime }) {
      if (gone) return;
      begins ??= mediaTime < 0.5 / fps ? 0 : mediaTime;
      seen = Stir.clamp(Math.round((mediaTime - begins) * fps), 0, frames - 1);
      painted?.();
      if (wanted !== null && seen !== wanted) settle();
      node.requestVideoFrameCallback(note);
    }
    function rest() {
      if (node.paused) return;
      node.pause();
      resting = performance.now() + RESTS;
    }
    const opened = (async () => {
      const { url, free: forget } = await findSource(card, leaving.signal);
      free = forget;
      if (gone) return free();
      await new Promise((go, fail) => {
        node.addEventListener("error", () => fail(new Error("decode")), { once: true });
        painted = go;
        node.requestVideoFrameCallback?.(note);
        const guess = () => ((begins ??= 0), (seen = Math.max(seen, 0)), go());
        node.addEventListener("loadeddata", () => setTimeout(guess, node.requestVideoFrameCallback ? PAINTED : 0), { once: true });
        node.src = url;
      });
      painted = null;
      loaded = true;
    })();

    const arrive = () => new Promise((go) => {
      let timer = 0;
      const end = () => (clearTimeout(timer), (painted = null), go());
      const guess = () => ((seen = number(now(), fps, frames)), end());
      painted = () => !node.seeking && end();
      node.addEventListener("seeked", () => (timer = setTimeout(guess, node.requestVideoFrameCallback ? PAINTED : 0)), { once: true });
    });
    async function aim() {
      await new Promise((go) => setTimeout(go, Math.max(0, resting - performance.now())));
      for (let tries = 0, last = null; wanted !== null && !gone; ) {
        const k = wanted;
        if (k !== last) (tries = 0), (last = k);
        const there = seen === k && !node.seeking && node.currentTime > middle(k, -0.01) && node.currentTime < middle(k, 0.99);
        if (there || tries === AIMS.length) return;
        node.currentTime = middle(k, AIMS[tries++]);
        await arrive();
        if (wanted === k && seen === k) return;
      }
    }
    const settle = () => (settling ??= Promise.resolve().then(aim).finally(() => (settling = null)));

    function setRate(rate) {
      const wish = rate < SLOWEST ? 0 : Math.min(rate, 8);
      if (node.playbackRate === wish) return;
      if (!node.playbackRate) from = node.currentTime;
      node.playbackRate = wish;
    }
    /* The rate that takes an error back. Who is behind goes on while the others wait, who is far ahead waits for them. */
    function hurry(at, given, speed) {
      const off = now() - at;
      const rate = given ? (off > EARLY ? 0 : given) : off < -STILL ? speed : 0;
      const moment = performance.now();
      if (rate === base && (!rate || moment < next)) return;
      const nudge = rate === base && Math.abs(off) > Math.max(STILL, 0.2 / fps) ? Stir.clamp(off / (KEPT / 1000), -MOST, MOST) : 0;
      base = rate;
      next = moment + KEPT;
      setRate(rate - nudge);
    }
    const player = {
      node, fps, frames, seconds: frames / fps, opened, moving: true,
      shown: () => seen,
      ready: () => loaded && !node.seeking && node.readyState >= 3 && !settling,
      going: () => node.playbackRate > 0 && Math.abs(node.currentTime - from) > GOES * Math.min(node.playbackRate, 1),
      error: (at) => now() - at,
      hidden: false,
      lag: (at) => (player.hidden ? 0 : Math.max(at * fps - seen - 1, 0)),
      hears: () => Boolean(node.mozHasAudio ?? node.webkitAudioDecodedByteCount ?? node.audioTracks?.length),
      sound: (on) => (node.muted = !on),
      async show(at) {
        wanted = number(at, fps, frames);
        rest();
        await opened;
        await settle();
      },
      follow(at, rate, speed) {
        if (!loaded) return;
        wanted = null;
        const last = (frames - 0.5) / fps;
        if (at >= last) {
          if (seen !== frames - 1 && (node.paused || now() < last - 2 / fps)) player.show(at);
          else if (!node.ended) setRate(Math.max(rate, SLOWEST));
          return;
        }
        const off = now() - at;
        if (Math.abs(off) > Math.max(AWAY * Math.max(speed, 0.5), 2 / fps)) {
          if (!node.seeking) node.currentTime = middle(number(at, fps, frames));
          setRate((base = 0));
        } else if (!node.seeking) hurry(at, rate, speed);
        if (node.paused && !node.seeking) node.play().catch(() => {});
      },
      rest() {
        wanted = null;
        rest();
      },
      release() {
        gone = true;
        leaving.abort();
        opened.catch(() => {});
        node.pause();
        node.removeAttribute("src");
        node.load();
        node.remove();
        free();
      },
    };
    return player;
  }

  const quiet = { going: () => true, error: () => 0, hears: () => false, sound() {}, rest() {} };

  /* GIF and WebP, frame by frame on a canvas. */
  function animation(card, label) {
    const { fps, frames } = card;
    const canvas = h("canvas", { class: "cell-film", role: "img", "aria-label": label, width: card.width, height: card.height });
    const paper = canvas.getContext("2d");
    const leaving = new AbortController();
    const held = new Map(); // frame → its picture
    let decoder = null;
    let seen = -1;
    let wanted = 0;
    let drawing = null;
    async function decode(k) {
      if (held.has(k)) return held.get(k);
      const { image } = await decoder.decode({ frameIndex: k });
      held.set(k, image);
      for (const [other, picture] of held) {
        if (held.size <= DECODED) break;
        picture.close();
        held.delete(other);
      }
      return image;
    }
    async function paint() {
      while (decoder && seen !== wanted) {
        const k = wanted;
        const picture = await decode(k);
        if (!decoder) return;
        paper.drawImage(picture, 0, 0, canvas.width, canvas.height);
        seen = k;
      }
    }
    function put(at) {
      wanted = number(at, fps, frames);
      return (drawing ??= Promise.resolve().then(paint).finally(() => (drawing = null)));
    }
    const opened = (async () => {
      const answer = await fetch(file(card.file), { signal: leaving.signal });
      if (!answer.ok) throw new Error(String(answer.status));
      decoder = new ImageDecoder({ data: await answer.arrayBuffer(), type: "image/" + card.format });
      await decoder.completed;
      await put(0);
    })();
    return {
      ...quiet, node: canvas, fps, frames, seconds: frames / fps, opened, moving: true,
      shown: () => seen,
      ready: () => Boolean(decoder),
      lag: (at) => Math.max(at * fps - seen - 1, 0),
      show: async (at) => (await opened, await put(at), await put(at)),
      follow: (at) => void (decoder && put(at)),
      release() {
        leaving.abort();
        opened.catch(() => {});
        for (const picture of held.values()) picture.close();
        held.clear();
        decoder?.close();
        decoder = null;
        canvas.remove();
      },
    };
  }

  /* What stands still: the photo; or an animation that can't be put at a moment, and says so in `note`. */
  function still(node, picture, note = "") {
    const opened = new Promise((go, fail) => (picture.complete && picture.naturalWidth ? go() : (picture.addEventListener("load", go), picture.addEventListener("error", fail))));
    return { ...quiet, node, fps: 1, frames: 1, seconds: 0, opened, note, moving: false, shown: () => 0, ready: () => true, lag: () => 0, show: async () => {}, follow() {}, release: () => node.remove() };
  }

  Stir.comparePlayer = {
    clip(card, label) {
      if (card.format !== "gif" && card.format !== "webp") return film(card, label);
      if (window.ImageDecoder) return animation(card, label);
      const picture = h("img", { class: "cell-film", alt: label, src: file(card.file) });
      return still(picture, picture, `This browser can't step through a ${card.format.toUpperCase()}: it runs by itself.`);
    },
    /* `photo` is {view, width, height, crop}. */
    photo(photo) {
      const picture = h("img", { alt: "", draggable: "false" });
      const shape = Stir.cut(picture, photo);
      return { ...still(h("div", { class: "cell-film cell-photo", style: { "--shape": shape } }, picture), picture), shape };
    },
  };
})();
