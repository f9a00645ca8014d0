/* A tile that plays its motion on the photo on the desk while the pointer or the keyboard rests on it: made once for a photo and a crop,
   one at a time, the last one asked for next. Who wants less motion keeps the still. */
(() => {
  const { h, file } = Stir;
  const REST = 250; // a pointer on its way elsewhere asks for nothing

  /* `play(ask)` answers {path, says}: a tiny clip, or "" and why there is none to see. */
  Stir.presetPreview = (play) => {
    const made = new Map();
    let over = null; // the tile under the pointer or the keyboard
    let wanted = null;
    let busy = false;

    async function run() {
      if (busy) return;
      busy = true;
      while (wanted) {
        const { node, id, key, frame } = wanted;
        wanted = null;
        const answer = made.get(key) ?? (await play({ frame, motion: id }).catch(() => null));
        if (answer && !answer.refusal) made.set(key, answer);
        if (over === node) show(node, answer);
      }
      busy = false;
    }
    function show(node, answer) {
      node.classList.remove("waits");
      if (!answer || answer.refusal) return;
      const room = node.querySelector(".preset-picture");
      if (answer.path) {
        const film = h("video", { src: file(answer.path), muted: true, loop: true, playsinline: true, tabindex: "-1", "aria-hidden": "true", class: "foretaste" });
        room.append(film);
        film.play().catch(() => {});
      }
      if (answer.says) room.append(h("span", { class: "foretaste-says", "aria-hidden": "true" }, answer.says));
    }
    const ask = Stir.later((node, id) => {
      const frame = Stir.now("frame");
      if (over !== node || !frame || frame.placing || Stir.calm() || !node.isConnected) return;
      const { photo, crop, depth, mends, subject } = frame;
      const whole = { photo, crop, depth, mends, subject };
      node.classList.add("waits");
      wanted = { node, id, frame: whole, key: JSON.stringify([whole, id, Stir.now("depth-model")]) };
      run();
    }, REST);
    function rest(node) {
      if (over !== node) return;
      over = null;
      wanted = null;
      node.classList.remove("waits");
      node.querySelectorAll(".foretaste, .foretaste-says").forEach((one) => one.remove());
    }
    /* A tile of the gallery, named after its motion. */
    return (node, id) => {
      const begin = () => {
        if (over === node) return;
        if (over) rest(over);
        over = node;
        ask(node, id);
      };
      node.addEventListener("pointerenter", (event) => event.pointerType !== "touch" && begin());
      node.addEventListener("pointerleave", () => node !== document.activeElement && rest(node));
      node.addEventListener("focus", () => node.matches(":focus-visible") && begin());
      node.addEventListener("blur", () => rest(node));
      return node;
    };
  };
})();
