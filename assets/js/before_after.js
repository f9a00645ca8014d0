/* Before and after, on the photo itself: two pictures with a divider between them, moved by pointer, touch and keys. */
(() => {
  const { h, clamp, file } = Stir;
  const STEP = 0.02;
  const PAN = 0.1; // of what is seen, for one press of an arrow key
  const SIDE = 1600; // pixels of the longest picture the studio shows: what is larger is fetched where one looks

  /* `easel` is the photo's room and `stage` what the bar comes after; `use(photo, mends, view)` when it is wanted. */
  Stir.beforeAfter = ({ easel, stage, server, use, closed }) => {
    let turn = 0;
    let trying = null; // {photo, before, after, title, box, offered, width, height}
    let answer = null;
    let at = 0.5;
    let closer = false;
    let centre = { x: 0.5, y: 0.5 };
    let drag = null;
    let near = null; // the part that is here pixel by pixel: {x, y, w, h}

    const before = h("img", { class: "compare-image", alt: "Before", draggable: "false" });
    const after = h("img", { class: "compare-image", alt: "After", draggable: "false" });
    const [nearBefore, nearAfter] = [1, 2].map(() => h("img", { class: "compare-image", alt: "", draggable: "false" }));
    const paper = h("div", { class: "compare-paper" }, before, nearBefore, after, nearAfter);
    const divider = h("div", { class: "compare-divider", role: "slider", tabindex: "0", "aria-label": "Divider between before and after", "aria-orientation": "horizontal", "aria-valuemin": "0", "aria-valuemax": "100" }, h("i"));
    const busy = h("span", { class: "easel-busy" }, "Fixing…");
    const node = h("div", { class: "compare" }, paper, h("span", { class: "compare-word" }, "Before"), h("span", { class: "compare-word after" }, "After"), divider, busy);
    const title = h("span", { class: "brush-title" });
    const zoom = Stir.segments("Show", [["whole", "Whole"], ["closer", "Closer"]], (value) => look(value === "closer"));
    const wanted = Stir.button("Use it", { class: "solid compare-use", onclick: () => accept() }, "check");
    const away = Stir.button("Not this", { class: "ghost compare-away", onclick: () => close() });
    const bar = h("div", { class: "compare-bar", role: "group", "aria-label": "Before and after" }, title, zoom.node, h("div", { class: "compare-act" }, away, wanted));

    function paint() {
      const { clientWidth: wide, clientHeight: tall } = node;
      const scale = closer ? Math.max(2, trying.width / wide) : 1;
      const left = clamp(wide / 2 - centre.x * wide * scale, wide - wide * scale, 0);
      const top = clamp(tall / 2 - centre.y * tall * scale, tall - tall * scale, 0);
      Object.assign(paper.style, { width: wide * scale + "px", height: tall * scale + "px", left: left + "px", top: top + "px" });
      after.style.clipPath = `inset(0 0 0 ${Math.max(0, at * wide - left)}px)`;
      nearBefore.hidden = nearAfter.hidden = !closer || !near;
      if (closer && near) {
        const place = { left: near.x * 100 + "%", top: near.y * 100 + "%", width: near.w * 100 + "%", height: near.h * 100 + "%" };
        for (const one of [nearBefore, nearAfter]) Object.assign(one.style, place);
        nearAfter.style.clipPath = `inset(0 0 0 ${Math.max(0, at * wide - left - near.x * wide * scale)}px)`;
      }
      divider.style.left = at * 100 + "%";
      divider.setAttribute("aria-valuenow", String(Math.round(at * 100)));
      divider.setAttribute("aria-valuetext", `${Math.round(at * 100)} % before, the rest after`);
      node.classList.toggle("closer", closer);
      if (closer) paper.setAttribute("tabindex", "0"), paper.setAttribute("role", "img"), paper.setAttribute("aria-label", "The photo, closer. Arrow keys move it.");
      else for (const name of ["tabindex", "role", "aria-label"]) paper.removeAttribute(name);
      zoom.paint(closer ? "closer" : "whole");
    }
    function look(now) {
      closer = now;
      paint();
      fetchNear();
    }
    /* What is seen now, pixel by pixel, where the studio's own pictures are smaller than the photo. */
    const fetchNear = Stir.later(async () => {
      if (!closer || !answer || Math.max(trying.width, trying.height) <= SIDE) return;
      const [w, tall] = [Math.min(1, SIDE / trying.width), Math.min(1, SIDE / trying.height)];
      const box = { x: clamp(centre.x - w / 2, 0, 1 - w), y: clamp(centre.y - tall / 2, 0, 1 - tall), w, h: tall };
      if (near && Math.abs(near.x - box.x) < w / 5 && Math.abs(near.y - box.y) < tall / 5) return;
      const [mine, { photo, before: one, after: other }] = [turn, trying];
      busy.textContent = "Looking closer…";
      node.classList.add("nearing");
      const got = await Stir.ask(server.close_up, { photo, before: one, after: other, box: [box.x, box.y, box.w, box.h] }, "report");
      if (mine !== turn) return;
      if (got) {
        [nearBefore.src, nearAfter.src] = [file(got.before), file(got.after)];
        await Promise.all([nearBefore.decode(), nearAfter.decode()]).catch(() => {});
        if (mine !== turn) return;
        near = box;
        paint();
      }
      node.classList.remove("nearing");
    }, 150);
    const divide = (value) => ((at = clamp(value, 0, 1)), paint());
    function pan(dx, dy) {
      const { clientWidth: wide, clientHeight: tall } = node;
      const scale = paper.clientWidth / wide;
      const half = 0.5 / scale;
      centre = { x: clamp(centre.x + dx / wide / scale, half, 1 - half), y: clamp(centre.y + dy / tall / scale, half, 1 - half) };
      paint();
      fetchNear();
    }
    node.addEventListener("pointerdown", (event) => {
      if (event.button || !answer) return;
      event.preventDefault();
      const bounds = node.getBoundingClientRect();
      const moves = closer && !divider.contains(event.target) ? "photo" : "divider";
      drag = { bounds, moves, x: event.clientX, y: event.clientY };
      (moves === "divider" ? divider : paper).focus({ preventScroll: true });
      node.setPointerCapture(event.pointerId);
      if (moves === "divider") divide((event.clientX - bounds.left) / bounds.width);
    });
    node.addEventListener("pointermove", (event) => {
      if (!drag) return;
      if (drag.moves === "divider") return divide((event.clientX - drag.bounds.left) / drag.bounds.width);
      pan(drag.x - event.clientX, drag.y - event.clientY);
      Object.assign(drag, { x: event.clientX, y: event.clientY });
    });
    for (const end of ["pointerup", "pointercancel"]) node.addEventListener(end, () => (drag = null));
    divider.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -STEP, ArrowDown: -STEP, ArrowRight: STEP, ArrowUp: STEP, PageDown: -STEP * 5, PageUp: STEP * 5, Home: -1, End: 1 }[event.key];
      if (!step) return;
      event.preventDefault();
      divide(at + step * (event.shiftKey ? 5 : 1));
    });
    paper.addEventListener("keydown", (event) => {
      const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      if (!way) return;
      event.preventDefault();
      pan(way[0] * PAN * node.clientWidth, way[1] * PAN * node.clientHeight);
    });
    /* Escape puts it away; it is heard before anything else that would listen to it. */
    addEventListener("keydown", (event) => {
      if (!trying || event.key !== "Escape" || document.querySelector("dialog[open]")) return;
      event.preventDefault();
      close();
    }, true);
    new ResizeObserver(() => trying && paint()).observe(node);

    /* With `offered` it can be used; without, it is only looked at. */
    async function open(ask) {
      close();
      const mine = ++turn;
      trying = ask;
      answer = near = null;
      [at, closer] = [0.5, false];
      const enlarges = ({ name }) => name === "upscale";
      busy.textContent = ask.after.some(enlarges) && !ask.before.some(enlarges) ? "Enlarging, which takes up to a minute…" : "Fixing…";
      const { x, y, w, h: tall } = ask.box;
      centre = { x: x + w / 2, y: y + tall / 2 };
      title.textContent = ask.title;
      wanted.hidden = !ask.offered;
      wanted.disabled = true;
      zoom.node.hidden = true;
      away.lastChild.textContent = ask.offered ? "Not this" : "Done";
      node.classList.remove("nearing");
      node.classList.add("waiting");
      easel.append(node);
      stage.after(bar);
      if (easel.getBoundingClientRect().top < 0) easel.scrollIntoView({ block: "start", behavior: Stir.calm() ? "auto" : "smooth" });
      away.focus({ preventScroll: true });
      const got = await Stir.ask(server.compare, { photo: ask.photo, before: ask.before, after: ask.after }, "report");
      if (mine !== turn) return;
      if (!got) return close();
      [before.src, after.src] = [file(got.before), file(got.after)];
      await Promise.all([before.decode(), after.decode()]).catch(() => {});
      if (mine !== turn) return;
      answer = got;
      node.classList.remove("waiting");
      wanted.disabled = zoom.node.hidden = false;
      paint();
      if (bar.contains(document.activeElement)) divider.focus({ preventScroll: true });
      Stir.say("Before and after.");
    }
    function close() {
      if (!trying) return;
      const was = trying;
      turn += 1;
      trying = answer = drag = null;
      const held = node.contains(document.activeElement) || bar.contains(document.activeElement);
      node.remove();
      bar.remove();
      closed(was, held);
    }
    function accept() {
      const [ask, got] = [trying, answer];
      close();
      use(ask.photo, ask.after, got.after);
    }
    return { open, close };
  };
})();
