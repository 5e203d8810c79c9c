// @ts-check
/** Choices that outlive the page, where the browser keeps any. */

/**
 * What was kept under a key, null for nothing.
 * @param {string} key
 */
export function recall(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

/**
 * Keeps a choice; without storage it lasts as long as the page.
 * @param {string} key
 * @param {string} value
 */
export function keep(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch {
    /* a private window may refuse */
  }
}
