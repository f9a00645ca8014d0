/* Post to…: the sheet that sends a made clip to several places at once. Nothing of it is on the page until it is first opened.
   `Stir.emit("open-post", {ids})` opens it with one clip or several. */
(() => {
  Stir.parts.post_panel = ({ element, server }) => {
    const root = element.firstElementChild;
    let sheet = null;
    Stir.on("open-post", async (wanted) => {
      sheet ??= Stir.fetchSheet(server.read_post_sheet).then((given) => given && Stir.postSheet({ root, given, server }));
      const room = await sheet;
      if (room) return room.open(wanted);
      sheet = null;
    });
  };
})();
