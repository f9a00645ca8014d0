/* The check of the sentence: its findings underlined where they are, and listed below with their reasons and fixes. */
(() => {
  const { h, icon } = Stir;
  const GRAVE = ["camera_conflict", "forces_conflict", "still_camera_moves", "text_changes"]; // it can't be done as it is said
  const FEW = 3;
  const short = (words) => (words.length > 48 ? words.slice(0, 46).trimEnd() + "…" : words);

  /* Findings after an edit: those before it stay, those behind it move along, and one whose words were edited loses its mark. */
  function moveFindings(found, before, after) {
    let head = 0;
    while (head < before.length && head < after.length && before[head] === after[head]) head += 1;
    let tail = 0;
    while (tail < Math.min(before.length, after.length) - head && before.at(-1 - tail) === after.at(-1 - tail)) tail += 1;
    const shift = after.length - before.length;
    return found.map((one) => {
      if (one.end <= head) return one;
      if (one.start >= before.length - tail) return { ...one, start: one.start + shift, end: one.end + shift };
      return { ...one, start: 0, end: 0 };
    });
  }

  /* `words` is the textarea; `fix(finding)` after a press on its fix. The marks lie behind the words, in the same box with the same
     type, and both scroll with it. */
  Stir.sentenceCheck = (words, fix) => {
    const back = h("div", { class: "sentence-back", "aria-hidden": "true" });
    const node = h("div", { class: "sentence" }, back, words);
    const state = h("span", { class: "check-state", id: "check-state", role: "status" });
    const list = h("ul", { class: "findings", "aria-label": "What the check found" });
    let found = [];
    let unseen = []; // what of the sentence won't be seen
    let checked = "";
    let all = false;

    /* The text cut wherever a finding begins or ends; places are counted in whole characters, as the studio counts them. */
    function marks(text) {
      const letters = [...text];
      const placed = [...found.map((one, at) => ({ ...one, at })), ...unseen.map((one) => ({ ...one, code: "unseen" }))].filter((one) => one.end > one.start);
      const cuts = [...new Set([0, letters.length, ...placed.flatMap((one) => [one.start, one.end])])].filter((at) => at <= letters.length).sort((a, b) => a - b);
      return cuts.slice(0, -1).map((from, index) => {
        const piece = letters.slice(from, cuts[index + 1]).join("");
        const over = placed.filter((one) => one.start <= from && one.end >= cuts[index + 1]);
        if (!over.length) return piece;
        const found = over.filter((one) => one.code !== "unseen");
        const kind = found.some((one) => GRAVE.includes(one.code)) ? "grave" : found.length ? "" : over.every((one) => one.why === "place") ? "unplaced" : "unshown";
        return h("mark", { class: kind, "data-codes": over.map((one) => one.code).join(" "), "data-at": found.map((one) => one.at).join(" ") }, piece);
      });
    }
    const light = (at) => back.querySelectorAll("mark").forEach((one) => one.classList.toggle("lit", one.dataset.at.split(" ").includes(String(at))));

    /* A reason with the words it is about drawn as they are marked: those it quotes, or else those of its mark, put before it. */
    function reason(one) {
      const drawQuote = (quoted) => h("strong", { class: GRAVE.includes(one.code) ? "grave" : "" }, short(quoted));
      const pieces = one.reason.split(/“([^”]+)”/);
      if (pieces.length > 1 && one.end > one.start) return pieces.map((piece, index) => (index % 2 ? drawQuote(piece) : piece));
      const quoted = [...words.value].slice(one.start, one.end).join("").trim();
      return quoted ? [drawQuote(quoted), " ", one.reason] : [one.reason];
    }
    function item(one, at) {
      const act = one.fix && Stir.button(one.label || "Change it", { class: one.level === "hint" ? "ghost" : "solid", "data-fix": one.code, title: one.fix, onclick: () => fix(one) });
      const line = h("li", { class: "finding", "data-code": one.code, "data-level": one.level }, h("p", {}, reason(one)), act || null);
      for (const moment of ["pointerenter", "focusin"]) line.addEventListener(moment, () => light(at));
      for (const moment of ["pointerleave", "focusout"]) line.addEventListener(moment, () => light(-1));
      return line;
    }
    function paintList() {
      const shown = all ? found : found.slice(0, FEW);
      const rest = found.length - shown.length;
      const more = rest > 0 && h("li", {}, Stir.button(`${rest} more`, { class: "ghost tiny-text", onclick: () => ((all = true), paintList()) }));
      Stir.redraw(list, () => list.replaceChildren(...shown.map(item), ...(more ? [more] : [])));
      list.hidden = !found.length;
    }
    return {
      node,
      state,
      list,
      /* What was found of this code in the sentence as it is now, if it still is. */
      again: (code) => found.find((one) => one.code === code),
      /* The text as it is now, and what was found in it; null while that is not known: then the marks stay at their words. */
      paint(text, findings, wont = []) {
        if (!findings) [found, unseen] = [found, unseen].map((some) => moveFindings(some, [...checked], [...text]));
        checked = text;
        if (findings) {
          const same = JSON.stringify(findings) === JSON.stringify(found);
          [found, unseen] = [findings, wont];
          if (!same) paintList();
          const hurts = found.filter((one) => one.level !== "hint").length;
          const well = !hurts && !unseen.length; // the tick is for sentences that fully happen
          const words = hurts === 1 ? "One thing to look at" : hurts ? `${hurts} things to look at` : well ? "Reads well" : unseen.every((one) => one.why === "place") ? "Part of it has no place yet" : "Part of it won’t happen";
          if (state.textContent !== words) state.replaceChildren(...(well ? [icon("check", 12), words] : [words]));
          state.dataset.well = String(well);
        }
        back.replaceChildren(...marks(text), "\u200b");
      },
    };
  };
})();
