/* The crop frame: locked to its aspect, moved by pointer, touch and keys. Only four fractions leave it. */
(() => {
  const { h, clamp } = Stir;
  const STEP = 0.01;
  const MIN = 0.08;

  /* changed(rect) after every settled change, reset() to put it back; `kind` and `title` are what it is called, `remove()` takes one
     away that can be. */
  Stir.cropFrame = (changed, reset, { kind = "crop-box", title = "Crop frame", remove = null } = {}) => {
    let rect = { x: 0, y: 0, w: 1, h: 1 };
    let slope = 1; // h = w * slope, in fractions
    let drag = null;
    let name = "";
    const corners = ["nw", "ne", "sw", "se"].map((place) => h("i", { class: "handle " + place, "data-corner": place }));
    const size = h("span", { class: "crop-size" });
    const box = h(
      "div",
      { class: kind, tabindex: "0", role: "slider", "aria-orientation": "horizontal", "aria-valuemin": "0", "aria-valuemax": "100" },
      h("i", { class: "third v1" }), h("i", { class: "third v2" }), h("i", { class: "third h1" }), h("i", { class: "third h2" }),
      corners, size,
    );
    const percent = (value) => Math.round(value * 100) + " %";

    function paint() {
      box.style.left = rect.x * 100 + "%";
      box.style.top = rect.y * 100 + "%";
      box.style.width = rect.w * 100 + "%";
      box.style.height = rect.h * 100 + "%";
      box.setAttribute("aria-valuenow", String(Math.round(rect.x * 100)));
      box.setAttribute("aria-valuetext", `${percent(rect.x)} from the left, ${percent(rect.y)} from the top, ${percent(rect.w)} wide`);
    }
    function fitWidth(w) {
      const most = Math.min(1, 1 / slope);
      return clamp(w, Math.min(MIN, most), most);
    }
    function place(next) {
      const w = fitWidth(next.w);
      const height = Math.min(1, w * slope);
      rect = { w, h: height, x: clamp(next.x, 0, 1 - w), y: clamp(next.y, 0, 1 - height) };
      paint();
    }
    function grow(by) {
      const w = fitWidth(rect.w + by);
      place({ w, x: rect.x + (rect.w - w) / 2, y: rect.y + (rect.h - w * slope) / 2 });
    }
    /* Pull one corner; the opposite one stays where it is. */
    function pull(corner, dx, dy) {
      const { x, y, w, h: height } = drag.start;
      const east = corner.includes("e");
      const south = corner.includes("s");
      const wide = w + (east ? dx : -dx);
      const tall = (height + (south ? dy : -dy)) / slope;
      const room = Math.min(east ? 1 - x : x + w, (south ? 1 - y : y + height) / slope);
      const next = clamp(Math.abs(dx) > Math.abs(dy) ? wide : tall, Math.min(MIN, room), room);
      place({ w: next, x: east ? x : x + w - next, y: south ? y : y + height - next * slope });
    }

    box.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      event.preventDefault();
      box.focus({ preventScroll: true });
      const bounds = box.parentElement.getBoundingClientRect();
      drag = { x: event.clientX, y: event.clientY, bounds, start: { ...rect }, corner: event.target.dataset.corner };
      box.setPointerCapture(event.pointerId);
      box.classList.add("held");
    });
    box.addEventListener("pointermove", (event) => {
      if (!drag) return;
      const dx = (event.clientX - drag.x) / drag.bounds.width;
      const dy = (event.clientY - drag.y) / drag.bounds.height;
      if (drag.corner) pull(drag.corner, dx, dy);
      else place({ ...drag.start, x: drag.start.x + dx, y: drag.start.y + dy });
    });
    const release = () => {
      if (!drag) return;
      drag = null;
      box.classList.remove("held");
      changed({ ...rect });
    };
    box.addEventListener("pointerup", release);
    box.addEventListener("pointercancel", release);
    box.addEventListener("dblclick", reset);
    box.addEventListener("keydown", (event) => {
      const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      if (event.key === "Home") return event.preventDefault(), reset();
      if (remove && ["Delete", "Backspace"].includes(event.key)) return event.preventDefault(), remove();
      if (!way) return;
      event.preventDefault();
      const step = event.altKey ? STEP / 5 : STEP;
      if (event.shiftKey) grow((way[0] - way[1]) * step * 2);
      else place({ ...rect, x: rect.x + way[0] * step, y: rect.y + way[1] * step });
      changed({ ...rect });
    });

    return {
      node: box,
      rect: () => ({ ...rect }),
      /* Show a crop of this aspect; `shape` is width over height of the photo. */
      show(crop, aspect, ratio, shape) {
        slope = shape / ratio;
        name = aspect === "photo" ? "the photo's own shape" : aspect;
        box.setAttribute("aria-label", `${title}, ${name}. Arrow keys move it, Shift and arrows resize it, Home puts it back${remove ? ", Delete removes it" : ""}.`);
        box.classList.toggle("whole", crop.w > 0.999 && crop.h > 0.999);
        place(crop);
      },
      say: (words) => (size.textContent = words),
    };
  };
})();
