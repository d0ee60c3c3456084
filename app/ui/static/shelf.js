// The LoRAs below the prompts.

/** Fills its element in the compose column. */
export function shelf(element) {
  element.replaceChildren();
}
