// @ts-check
import { ConnectionPanel } from "./connection-panel.js";
import { openDialog } from "./dialog.js";
import { h } from "./dom.js";

/**
 * Opens Help: the shortcuts of this place and their off switch, the sound of alerts, a check of the connection, and how to use
 * what the page says.
 * @param {import("./shortcuts.js").Shortcuts} shortcuts
 * @param {import("./alert-watch.js").AlertWatch | null} alerts  where the server makes them
 */
export function openHelp(shortcuts, alerts) {
  const keys = Object.entries(shortcuts.keys).flatMap(([key, { label, name }]) => [
    h("dt", {}, h("kbd", {}, name ?? key.toUpperCase())),
    h("dd", {}, label),
  ]);
  const onchange = () => {
    shortcuts.on = box.checked;
  };
  const box = h("input", { type: "checkbox", checked: shortcuts.on, onchange });
  const connection = new ConnectionPanel();
  const dialog = openDialog(
    "Help",
    h("h3", {}, "Keys on this place"),
    h("dl", { class: "keys" }, ...keys),
    h("label", { class: "check" }, box, "Single-key shortcuts"),
    ...(alerts?.help() ?? []),
    h("h3", {}, "Connection"),
    h("p", {}, "Finds out why live video does not work here: this browser, the network between, and the server."),
    connection.element,
    ...responsibleUse(),
  );
  dialog.addEventListener("close", () => connection.close());
}

/** Opens the part on responsible use alone. */
export function openResponsibleUse() {
  openDialog("Responsible use", ...responsibleUse().slice(1));
}

function responsibleUse() {
  return [
    h("h3", {}, "Responsible use"),
    h(
      "p",
      {},
      "A box is a possible firearm. A person looks and decides; nothing that a detector says is a verdict about somebody.",
    ),
    h(
      "p",
      {},
      "The detector misses things and takes other things for firearms: small, dark, blurred or partly hidden ones above all. " +
        "Nothing found does not mean that nothing is there.",
    ),
    h(
      "p",
      {},
      "An alert is a candidate until a person confirms or dismisses it. It keeps a picture and a short clip for some weeks, " +
        "of webcams too, unless that is switched off.",
    ),
    h("p", {}, "Film only where you may, and tell the people who are filmed."),
    h(
      "p",
      {},
      "What the detector misses in figures, what is stored, for how long, and how to switch it off: docs/responsible-use.md in the ",
      h("a", { href: document.getElementById("source")?.getAttribute("href") ?? "#" }, "source code"),
      ".",
    ),
  ];
}
