/* The brush: where an effect happens, painted over the photo. The result is a small grey PNG over the whole photo. */
(() => {
  const { h } = Stir;
  const LONGEST = 256;
  const LIMIT = 65000;

  /* done(base64) after every stroke. `tools` are the names of what it does, "pick" among them for a click that finds a thing by itself:
     pick({x, y}) then, in fractions of the photo; `clear` is what the button that takes everything away is called. */
  const PAINTS = { tools: [["paint", "Paint"], ["erase", "Erase"]], clear: "Clear", pick: () => {}, label: (words) => `Paint where there is ${words.toLowerCase()}. Arrow keys move the brush, Space paints.` };
  Stir.brush = (done, close, { tools, clear, pick, label } = PAINTS) => {
    const canvas = h("canvas", { class: "brush-canvas", tabindex: "0", role: "img" });
    const ink = canvas.getContext("2d", { willReadFrequently: true });
    const ring = h("i", { class: "brush-ring" });
    let radius = 0.06;
    let tool = tools[0][0];
    let last = null;
    let at = { x: 0.5, y: 0.5 };

    const size = Stir.slider("Brush size", { min: 0.01, max: 0.2, step: 0.005, value: radius }, (value) => ((radius = value), paintRing()));
    const mode = Stir.segments("Brush", tools, (value) => choose(value));
    const title = h("span", { class: "brush-title" });
    const sized = h("label", { class: "inline" }, h("span", {}, "Size"), size);
    function choose(next) {
      tool = next;
      mode.paint(next);
      canvas.classList.toggle("picks", next === "pick");
      ring.hidden = next === "pick";
      sized.hidden = next === "pick";
    }
    const bar = h(
      "div",
      { class: "brush-bar" }, title, mode.node, sized,
      Stir.button(clear, { class: "ghost", onclick: () => (ink.clearRect(0, 0, canvas.width, canvas.height), keep()) }),
      Stir.button("Done", { class: "solid", onclick: close }),
    );

    function dot(from, to) {
      ink.globalCompositeOperation = tool === "erase" ? "destination-out" : "source-over";
      ink.strokeStyle = "#ff8a3c";
      ink.lineCap = ink.lineJoin = "round";
      ink.lineWidth = radius * 2 * Math.max(canvas.width, canvas.height);
      ink.beginPath();
      ink.moveTo(from.x * canvas.width, from.y * canvas.height);
      ink.lineTo(to.x * canvas.width + 0.01, to.y * canvas.height);
      ink.stroke();
    }
    function where(event) {
      const bounds = canvas.getBoundingClientRect();
      return { x: (event.clientX - bounds.left) / bounds.width, y: (event.clientY - bounds.top) / bounds.height };
    }
    function paintRing() {
      const bounds = canvas.getBoundingClientRect();
      const wide = radius * 2 * Math.max(bounds.width, bounds.height);
      Object.assign(ring.style, { width: wide + "px", height: wide + "px", left: at.x * 100 + "%", top: at.y * 100 + "%" });
    }
    /* Grey on black, no alpha: what the recipe keeps. */
    function keep() {
      const flat = document.createElement("canvas");
      for (let longest = LONGEST; longest >= 64; longest /= 2) {
        const scale = longest / Math.max(canvas.width, canvas.height);
        flat.width = Math.max(1, Math.round(canvas.width * scale));
        flat.height = Math.max(1, Math.round(canvas.height * scale));
        const paper = flat.getContext("2d");
        paper.drawImage(canvas, 0, 0, flat.width, flat.height);
        for (const [how, grey] of [["source-in", "#fff"], ["destination-over", "#000"]]) {
          paper.globalCompositeOperation = how;
          paper.fillStyle = grey;
          paper.fillRect(0, 0, flat.width, flat.height);
        }
        const empty = !paper.getImageData(0, 0, flat.width, flat.height).data.some((value, index) => index % 4 === 0 && value > 8);
        const png = empty ? "" : flat.toDataURL("image/png").split(",")[1];
        if (png.length < LIMIT) return done(png);
      }
    }

    canvas.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      event.preventDefault();
      canvas.focus({ preventScroll: true });
      canvas.setPointerCapture(event.pointerId);
      at = where(event);
      if (tool === "pick") return pick(at);
      last = at;
      dot(last, last);
    });
    canvas.addEventListener("pointermove", (event) => {
      at = where(event);
      paintRing();
      if (!last) return;
      dot(last, at);
      last = at;
    });
    const lift = () => last && ((last = null), keep());
    canvas.addEventListener("pointerup", lift);
    canvas.addEventListener("pointercancel", lift);
    canvas.addEventListener("keydown", (event) => {
      const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      if (event.key === " ") return event.preventDefault(), tool === "pick" ? pick(at) : (dot(at, at), keep());
      if (!way) return;
      event.preventDefault();
      at = { x: Stir.clamp(at.x + way[0] * 0.02, 0, 1), y: Stir.clamp(at.y + way[1] * 0.02, 0, 1) };
      paintRing();
    });

    choose(tool);
    return {
      canvas,
      ring,
      bar,
      /* Begin on a photo of this shape with what was painted before. */
      open(words, shape, png) {
        title.textContent = words;
        canvas.setAttribute("aria-label", label(words));
        canvas.width = shape >= 1 ? 512 : Math.round(512 * shape);
        canvas.height = shape >= 1 ? Math.round(512 / shape) : 512;
        show(png);
        requestAnimationFrame(() => (paintRing(), canvas.focus({ preventScroll: true })));
      },
      show,
      choose,
    };

    /* What was painted, as it was before the last stroke for instance. */
    function show(png) {
      ink.clearRect(0, 0, canvas.width, canvas.height);
      if (png) restore(png);
    }

    function restore(png) {
      const image = new Image();
      image.onload = () => {
        ink.globalCompositeOperation = "source-over";
        ink.drawImage(image, 0, 0, canvas.width, canvas.height);
        const pixels = ink.getImageData(0, 0, canvas.width, canvas.height);
        for (let i = 0; i < pixels.data.length; i += 4) {
          pixels.data[i + 3] = pixels.data[i];
          [pixels.data[i], pixels.data[i + 1], pixels.data[i + 2]] = [255, 138, 60];
        }
        ink.putImageData(pixels, 0, 0);
      };
      image.src = "data:image/png;base64," + png;
    }
  };
})();
