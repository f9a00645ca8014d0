/* What stands in a cell of a comparison and can be put at a moment: a clip, frame by frame on a canvas, or the photo itself.

   A player has {node, fps, frames, seconds, moving, opened (a promise of its first picture), has(at) (whether it can show the frame of
   that moment now), reach(at) (and for how many seconds from there on), aim(at) (where it will be: it makes itself ready),
   arrive(at) (a promise, kept when it can), show(at, rate) (now; what is heard goes on at that rate), rest() (what is heard stands
   still), sound(on), hears() (whether it has sound), release(), note (what is to be said of it), hint (of all like it)}. All times are seconds in its own clip.
   The clock: compare_clock. Decoding: compare_frames. */
(() => {
  const { h, file } = Stir;
  const NEAR = 1e-4; // of a frame: what rounding makes of its first moment
  const APART = 0.12; // seconds that what is heard may be from what is seen, before it is put there,
  const HEARD = 0.03; // and before its rate is changed
  const SLOWEST = 0.0625; // the least rate that browsers play at
  const COARSE = 0.1; // of a rate that isn't changed: Chromium shows wrong frames for some time after each change
  const OFF = 0.12; // seconds that a film which isn't decoded here may be from its moment
  const RESTS = 80; // ms in which a film that was paused may still show its next picture
  const PAINTED = 300; // ms after a seek until a frame that nobody has announced counts as painted: what isn't in sight isn't
  const AIMS = [0.5, 0.7, 0.3]; // where in a frame a seek aims; a file's times may be rounded either way

  /* The number of the frame at a moment. */
  const number = (at, fps, frames) => Stir.clamp(Math.floor(at * fps + NEAR), 0, frames - 1);

  /* What is heard of a clip: it follows what is seen. */
  function makeSound(card) {
    const node = h("audio", { preload: "auto", src: file(card.file) });
    return {
      follow(at, rate) {
        if (rate < SLOWEST || at >= node.duration) return node.pause();
        const off = node.currentTime - at;
        if (Math.abs(off) > APART * Math.max(1, rate)) node.currentTime = at;
        else if (Math.abs(off) > HEARD || Math.abs(node.playbackRate / rate - 1) > COARSE) node.playbackRate = rate * (1 - Stir.clamp(off, -0.05, 0.05));
        if (node.paused) node.play().catch(() => {});
      },
      rest: () => node.pause(),
      release: () => (node.pause(), node.removeAttribute("src"), node.load()),
      get node() { return node; },
    };
  }

  /* A clip whose frames are decoded here. */
  function reel(card, label, server, after) {
    const { fps, frames } = card;
    const animated = !Stir.isFilm(card);
    const canvas = h("canvas", { class: "cell-film", role: "img", "aria-label": label, width: card.width, height: card.height });
    const paper = canvas.getContext("2d", { alpha: animated });
    const film = Stir.clipFrames(card, server, after);
    let seen = -1; // the frame on the canvas
    let place = 0;
    let hears = false;
    let voice = null;
    const frame = (at) => number(at, fps, frames);
    function aim(at) {
      place = frame(at);
      film.move(place);
    }
    function draw(k) {
      const picture = film.picture(k);
      if (k === seen || !picture) return;
      if (picture instanceof ImageData) paper.putImageData(picture, 0, 0);
      else {
        if (animated) paper.clearRect(0, 0, canvas.width, canvas.height);
        paper.drawImage(picture, 0, 0, canvas.width, canvas.height);
      }
      seen = k;
    }
    return {
      node: canvas, fps, frames, seconds: frames / fps, moving: true, aim,
      opened: film.opened.then((made) => made && ((hears = made.sound), draw(place))),
      has: (at) => film.has(frame(at)),
      reach: (at) => (frame(at) + Math.max(film.run(), 1)) / fps - at - NEAR,
      arrive: (at) => (aim(at), film.arrive(frame(at))),
      show(at, rate) {
        draw(frame(at));
        voice?.follow(at, rate);
      },
      rest: () => voice?.rest(),
      hears: () => hears,
      sound(on) {
        if (on && !voice && hears) (voice = makeSound(card)), canvas.after(voice.node);
        else if (!on) voice?.node.remove(), voice?.release(), (voice = null);
      },
      release() {
        film.close();
        voice?.release();
        canvas.remove();
      },
    };
  }

  /* A clip as the browser plays it, where it lets nobody decode: exact when paused, near when it plays. */
  function film(card, label) {
    const node = h("video", { class: "cell-film", muted: true, playsinline: true, preload: "auto", tabindex: "-1", "aria-label": label });
    node.disablePictureInPicture = true;
    const { fps, frames } = card;
    let begins = null; // the time that the file gives its first frame
    let seen = -1;
    let painted = null; // who waits for the next picture
    let wanted = null; // the frame a paused film is to be at
    let settling = null;
    let gone = false;
    let loaded = false; // before that a browser resets what is asked of it
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
    const opened = new Promise((go, fail) => {
      node.addEventListener("error", () => fail(new Error("decode")), { once: true });
      painted = go;
      node.requestVideoFrameCallback?.(note);
      const guess = () => ((begins ??= 0), (seen = Math.max(seen, 0)), go());
      node.addEventListener("loadeddata", () => setTimeout(guess, node.requestVideoFrameCallback ? PAINTED : 0), { once: true });
      node.src = file(card.file);
    }).then(() => ((painted = null), (loaded = true)));
    opened.catch(() => {});

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
    return {
      node, fps, frames, seconds: frames / fps, opened, moving: true, rest, aim() {},
      has: () => loaded && !node.seeking && node.readyState >= 3 && !settling,
      reach: () => Infinity,
      async arrive(at) {
        wanted = number(at, fps, frames);
        rest();
        await opened;
        await settle();
      },
      show(at, rate) {
        if (!rate) return;
        wanted = null;
        if (Math.abs(node.playbackRate / rate - 1) > COARSE) node.playbackRate = Stir.clamp(rate, SLOWEST, 8);
        const last = at >= (frames - 1) / fps;
        const near = Math.abs(now() - at) < OFF * Math.max(1, rate) || (last && seen === frames - 1);
        if (!near) node.currentTime = middle(number(at, fps, frames));
        if (node.paused && !node.ended && !last) node.play().catch(() => {});
      },
      hears: () => Boolean(node.mozHasAudio ?? node.webkitAudioDecodedByteCount ?? node.audioTracks?.length),
      sound: (on) => (node.muted = !on),
      hint: "At this address the browser lets no page decode clips, so while they play they may be some frames apart. Opened on the studio's own machine, or over https, they aren't.",
      release() {
        gone = true;
        node.pause();
        node.removeAttribute("src");
        node.load();
        node.remove();
      },
    };
  }

  /* What stands still: the photo; or an animation that can't be put at a moment, and says so in `note`. */
  function still(node, picture, note = "") {
    const opened = new Promise((go, fail) => (picture.complete && picture.naturalWidth ? go() : (picture.addEventListener("load", go), picture.addEventListener("error", fail))));
    const ready = { has: () => true, reach: () => Infinity, aim() {}, arrive: async () => {}, show() {}, rest() {}, hears: () => false, sound() {} };
    return { ...ready, node, fps: 1, frames: 1, seconds: 0, opened, note, moving: false, release: () => node.remove() };
  }

  /* `after` is a promise of what should be there before a clip is read. */
  Stir.comparePlayer = {
    clip(card, label, server, after) {
      const animated = !Stir.isFilm(card);
      if (animated ? window.ImageDecoder : window.VideoDecoder) return reel(card, label, server, after);
      if (!animated) return film(card, label);
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
