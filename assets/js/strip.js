/* The queue strip and the recent clips. It watches the studio for the whole page and tells the others what it saw. */
(() => {
  const { h, icon, file } = Stir;
  const WORDS = { queued: "Waiting", running: "Running", failed: "Failed", cancelled: "Stopped", interrupted: "Interrupted" };
  const ENDED = ["failed", "cancelled", "interrupted"];
  const ROUND = 2 * Math.PI * 15;

  function ring() {
    const space = "http://www.w3.org/2000/svg";
    const svg = document.createElementNS(space, "svg");
    svg.setAttribute("viewBox", "0 0 36 36");
    svg.setAttribute("class", "ring");
    svg.setAttribute("aria-hidden", "true");
    for (const name of ["track", "arc"]) {
      const circle = document.createElementNS(space, "circle");
      for (const [key, value] of [["cx", 18], ["cy", 18], ["r", 15], ["class", name]]) circle.setAttribute(key, value);
      svg.append(circle);
    }
    svg.lastChild.style.strokeDasharray = ROUND;
    svg.to = (part) => (svg.lastChild.style.strokeDashoffset = ROUND * (1 - part));
    return svg;
  }

  Stir.parts.strip = ({ element, props, server, watch }) => {
    const root = element.firstElementChild;
    const cards = new Map(); // job id → card
    let dragged = null;
    const list = h("ol", { class: "queue-list" });
    const clear = Stir.button("Clear ended", { class: "ghost tiny-text", id: "clear-ended", onclick: () => Stir.ask(server.clear_ended, {}) });
    const queue = h("section", { class: "queue", "aria-label": "Queue", hidden: true }, h("div", { class: "strip-head" }, h("h2", {}, "Queue"), clear), list);
    const shelf = h("div", { class: "shelf" });
    const all = Stir.button("Open the library", { class: "ghost tiny-text", onclick: () => Stir.goto(1) });
    const recent = h("section", { class: "recent", "aria-label": "Recent clips", hidden: true }, h("div", { class: "strip-head" }, h("h2", {}, "Recent"), all), shelf);
    root.append(queue, recent);

    function make(job) {
      const circle = ring();
      const face = h("img", { src: file(job.view), alt: "", draggable: "false" });
      const words = h("span", { class: "job-words" });
      const title = h("strong", {});
      const earlier = h("button", { type: "button", class: "ghost tiny", "aria-label": "Earlier", onclick: () => shift(job.id, -1) }, icon("left", 12));
      const later = h("button", { type: "button", class: "ghost tiny", "aria-label": "Later", onclick: () => shift(job.id, 1) }, icon("right", 12));
      const again = h("button", { type: "button", class: "ghost tiny", onclick: () => Stir.ask(server.retry_job, { id: job.id }) }, icon("retry", 12));
      const away = h("button", { type: "button", class: "ghost tiny", onclick: () => Stir.ask(server.cancel_job, { id: job.id }) }, icon("close", 12));
      const node = h(
        "li", { class: "job", "data-job": job.id },
        h("span", { class: "job-face" }, face, circle),
        h("span", { class: "job-text" }, title, words), h("span", { class: "job-tools" }, earlier, later, again, away),
      );
      node.addEventListener("dragstart", (event) => {
        dragged = job.id;
        event.dataTransfer.effectAllowed = "move";
        event.dataTransfer.setData("text/plain", job.id);
        node.classList.add("dragged");
      });
      node.addEventListener("dragend", () => ((dragged = null), node.classList.remove("dragged")));
      node.addEventListener("dragover", (event) => dragged && node.draggable && event.preventDefault());
      node.addEventListener("drop", (event) => {
        if (!dragged || dragged === job.id) return;
        event.preventDefault();
        const bounds = node.getBoundingClientRect();
        const after = event.clientX > bounds.left + bounds.width / 2;
        const ids = waiting().filter((id) => id !== dragged);
        Stir.ask(server.move_job, { id: dragged, before: ids[ids.indexOf(job.id) + (after ? 1 : 0)] ?? null });
      });
      return { node, paint: (now) => paintJob(now, { node, face, circle, words, title, earlier, later, again, away }) };
    }
    function paintJob(job, { node, face, circle, words, title, earlier, later, again, away }) {
      const ended = ENDED.includes(job.state);
      node.dataset.state = job.state;
      node.draggable = job.state === "queued";
      title.textContent = job.title;
      node.title = job.reason ? `${job.reason} ${job.remedy ?? ""}` : `${job.title}, ${job.motion}`;
      const picture = Stir.picture(job.preview) || (job.state === "running" && face.dataset.live) || "";
      if (picture && face.dataset.live !== picture) face.src = face.dataset.live = picture;
      else if (!picture && face.dataset.live) (face.src = file(job.view)), delete face.dataset.live;
      circle.to(job.state === "running" && job.total ? job.done / job.total : 0);
      words.textContent = job.state === "running" ? (job.remaining === null ? job.words : Stir.clock(Math.ceil(job.remaining)) + " left") : job.state === "failed" ? "Failed: " + job.reason : WORDS[job.state];
      earlier.hidden = later.hidden = job.state !== "queued";
      again.hidden = !ended;
      again.setAttribute("aria-label", (job.state === "interrupted" ? "Resume " : "Retry ") + job.title);
      away.hidden = ended && job.state !== "interrupted";
      away.setAttribute("aria-label", "Cancel " + job.title);
    }
    const waiting = () => props.value.jobs.filter((job) => job.state === "queued").map((job) => job.id);
    function shift(id, by) {
      const ids = waiting();
      const to = ids.indexOf(id) + by;
      if (to < 0 || to >= ids.length) return;
      Stir.ask(server.move_job, { id, before: ids[by > 0 ? to + 1 : to] ?? null });
      Stir.say(by > 0 ? "Moved later." : "Moved earlier.");
    }
    function paint({ jobs, recent: clips, kept }) {
      const shown = jobs.filter((job) => job.state !== "done");
      for (const [id, card] of cards) if (!shown.some((job) => job.id === id)) card.node.remove(), cards.delete(id);
      const held = list.contains(document.activeElement) ? document.activeElement : null;
      shown.forEach((job, index) => {
        if (!cards.has(job.id)) cards.set(job.id, make(job));
        const card = cards.get(job.id);
        card.paint(job);
        if (list.children[index] !== card.node) list.insertBefore(card.node, list.children[index] ?? null);
      });
      if (held?.isConnected && held !== document.activeElement) held.focus({ preventScroll: true });
      queue.hidden = !shown.length;
      clear.hidden = !shown.some((job) => ["failed", "cancelled"].includes(job.state));
      const mark = clips.map((clip) => clip.id + clip.rating + clip.title).join();
      if (shelf.dataset.mark !== mark) {
        shelf.dataset.mark = mark;
        shelf.replaceChildren(...clips.map((clip) => Stir.tile(clip, open)));
      }
      recent.hidden = !clips.length;
      all.querySelector("span").textContent = kept > clips.length ? `All ${kept} in the library` : "Open the library";
      const busy = jobs.filter((job) => ["queued", "running"].includes(job.state)).length;
      document.title = busy ? `(${busy}) Stir` : "Stir";
    }
    function open(clip) {
      Stir.emit("show-clip", clip.id);
      document.getElementById("clip")?.scrollIntoView({ block: "nearest" });
    }
    watch("value", () => {
      if (!props.value) return;
      Stir.tell("board", props.value);
      paint(props.value);
    });
    Stir.on("refusal", (refusal) => refusal.where === "page" && Stir.toast(refusal));
  };
})();
