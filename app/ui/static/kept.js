// What this browser keeps for the page. One that is told to keep nothing only forgets.

const NAME = "gesso.";

/** What is kept under a key, or null. */
export function kept(key) {
  try {
    return localStorage.getItem(NAME + key);
  } catch {
    return null;
  }
}

/** Keep a text under a key; null: nothing any more. */
export function keep(key, value) {
  try {
    if (value === null) localStorage.removeItem(NAME + key);
    else localStorage.setItem(NAME + key, value);
  } catch {
    // The choice holds as long as this page.
  }
}
