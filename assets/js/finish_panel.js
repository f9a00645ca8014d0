/* Finish: the room where a made clip is cut, sounded and titled. Nothing of it is on the page until it is first opened: then its
   script and its style are fetched. `Stir.emit("open-finish", {id})` opens it with a clip, `{ids}` with several that become a reel,
   `{id, others}` with clips that the same finish is wanted on. */
(() => {
  Stir.parts.finish_panel = ({ element, server }) => {
    const root = element.firstElementChild;
    let sheet = null;
    Stir.on("open-finish", async (wanted) => {
      sheet ??= Stir.fetchSheet(server.read_finish_sheet).then((given) => given && Stir.finishSheet({ root, given, server }));
      const room = await sheet;
      if (room) return room.open(wanted);
      sheet = null;
    });
  };
})();
