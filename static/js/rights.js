// @ts-check
/** What this browser's key may: one that may only look sees no controls that the server would refuse, and reads why. */

/** @typedef {import("./types.js").Info} Info */
/** @typedef {import("./states.js").State} State */

/** @param {Pick<Info, "auth">} info */
export const mayChange = ({ auth }) => auth?.rights !== "view";

/** Hides whatever carries `data-needs="admin"` from a key that may only look. @param {Info} info */
export function markRights(info) {
  document.documentElement.dataset.rights = mayChange(info) ? "admin" : "view";
}

export const MAY_LOOK = "Your key may look, check pictures and answer alerts. For more, ask whoever runs this server.";

/** What stands in the place of invitations that such a key cannot follow. */
export const LOOKING = {
  live: {
    icon: "live",
    heading: "Watch what runs here",
    body: `What others show on this server is listed below. ${MAY_LOOK}`,
    actions: [],
  },
  video: { icon: "video", heading: "No recordings yet", body: `Those that others add are listed here. ${MAY_LOOK}`, actions: [] },
  alerts: { icon: "cameras", heading: "Alerts come from cameras", body: "There are none yet.", actions: [] },
  cameras: { icon: "cameras", heading: "No cameras yet", body: `Those that others add are shown here. ${MAY_LOOK}`, actions: [] },
};
