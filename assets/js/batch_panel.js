/* The batch tab: its sheet (batch_sheet.js and those before it) comes when the tab is first opened. */
Stir.parts.batch_panel = async ({ element, server }) => {
  const given = await Stir.fetchSheet(server.open_batch_sheet);
  if (given) Stir.batchSheet({ root: element.firstElementChild, server, given });
};
