// What a run has left so far, to download.
import { fileAddress, files as askFiles } from "../net/api.js";
import { element, muted, setText } from "../ui/dom.js";
import { size } from "../ui/format.js";
import { Table } from "../ui/table.js";

export class FilesPart {
  constructor(id) {
    this.id = id;
    this.isAsked = false;
    this.error = element("p", { class: "cause" });
    this.table = new Table("files", [
      { name: "file", text: (file) => file.path, head: true },
      { name: "size", number: (file) => file.bytes, text: (file) => size(file.bytes) },
    ], { key: (file) => file.path, open: (file) => fileAddress(id, file.path), nothing: () => muted("There are no files yet.") });
    this.node = element("section", {}, this.table.part("Files"), this.error,
      muted("With plctl fetch all of it comes at once."));
  }

  async load() {
    this.isAsked = true;
    try {
      const told = await askFiles(this.id);
      setText(this.error, "");
      this.table.show(told.files ?? told);
    } catch (error) {
      setText(this.error, `The files could not be listed: ${error.message}.`);
    }
  }
}
