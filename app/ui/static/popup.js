// What opens beside something and lies over the page.

const MARGIN = 16;
const GAP = 6;

/** Keep an element with a `popover` under its anchor while it is open, as far as the window allows;
 *  where there is more room above, over it. `side` is the edge that both share. */
export function anchor(popup, beside, side = "left") {
  const place = () => popup.matches(":popover-open") && put(popup, beside, side);
  popup.addEventListener("toggle", place);
  for (const moved of ["resize", "scroll"]) {
    addEventListener(moved, place, { capture: true, passive: true });
  }
  return place;
}

function put(popup, beside, side) {
  const { left, right, top, bottom } = beside.getBoundingClientRect();
  const { width, height } = popup.getBoundingClientRect();
  const wide = document.documentElement.clientWidth;
  const within = (wanted, room) => Math.max(MARGIN, Math.min(wanted, room - MARGIN));
  const over = bottom + GAP + height > innerHeight && top > innerHeight - bottom;
  popup.style.left = `${within(side === "left" ? left : right - width, wide - width)}px`;
  popup.style.top = `${within(over ? top - GAP - height : bottom + GAP, innerHeight - height)}px`;
}
