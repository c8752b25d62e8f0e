// Line icons, drawn on a grid of 24. They decorate: words stand beside each, or the button has a label.

const PATHS = {
  camera: "M4 8h3l2-3h6l2 3h3a1 1 0 0 1 1 1v10a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1V9a1 1 0 0 1 1-1z M12 17a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7z",
  picture: "M4 5h16v14H4z M4 16l5-5 4 4 3-3 4 4 M15.5 9.5h.01",
  plus: "M12 5v14 M5 12h14",
  minus: "M5 12h14",
  close: "M6 6l12 12 M18 6L6 18",
  check: "M5 12.5l4.5 4.5L19 7.5",
  look: "M12 7v6 M12 16.5h.01 M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z",
  bad: "M12 8v5 M12 16.5h.01 M12 3.5L2.5 20h19z",
  download: "M12 4v11 M7 10.5l5 5 5-5 M5 20h14",
  phone: "M8 3h8a1 1 0 0 1 1 1v16a1 1 0 0 1-1 1H8a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1z M11 18h2",
  again: "M4 12a8 8 0 0 1 14-5l2 2 M20 4v5h-5 M20 12a8 8 0 0 1-14 5l-2-2 M4 20v-5h5",
  bin: "M5 7h14 M10 4h4 M7 7l1 13h8l1-13 M10.5 11v5 M13.5 11v5",
  compare: "M4 5h6v14H4z M14 5h6v14h-6z",
  undo: "M5 9h9a5 5 0 0 1 0 10h-4 M9 5L5 9l4 4",
  home: "M12 3v18 M3 12h18",
  back: "M14 6l-6 6 6 6",
  cube: "M12 3l8 4.5v9L12 21l-8-4.5v-9z M4 7.5l8 4.5 8-4.5 M12 12v9",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
