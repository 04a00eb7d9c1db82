// Line icons on a grid of 24, drawn with the colour of the text around them. An icon never speaks
// alone: beside it stands a word, or the button that holds it has a name.

interface IconProps {
  // One of the paths below or in icons.ts.
  path: string;
  size?: number;
}

export function Icon({ path, size = 24 }: IconProps) {
  return (
    <svg
      class="icon"
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      stroke-width="1.8"
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      <path d={path} />
    </svg>
  );
}

// What the screen of the night needs at start-up; the rest is in icons.ts.
export const kMoon = 'M20 14.5A8.5 8.5 0 1 1 9.5 4a7 7 0 0 0 10.5 10.5Z';
export const kSun =
  'M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8ZM12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.4 1.4M17.6 17.6 19 19M5 19l1.4-1.4M17.6 6.4 19 5';
export const kCrib = 'M3 6v13M21 6v13M3 16h18M3 9h18M7.5 9v7M12 9v7M16.5 9v7';
export const kDrop =
  'M12 3s6 6.5 6 11a6 6 0 0 1-12 0c0-4.5 6-11 6-11ZM9.5 14.5A2.5 2.5 0 0 0 12 17';
export const kEye =
  'M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12ZM12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6Z';
export const kBottle =
  'M10 2.5h4M9.5 5.5h5M9.5 5.5v2A5 5 0 0 0 8 11v8.5a2 2 0 0 0 2 2h4a2 2 0 0 0 2-2V11a5 5 0 0 0-1.5-3.5v-2M8 13.5h8';
export const kUndo = 'M8 5 4 9l4 4M4 9h10a6 6 0 0 1 0 12h-4';
export const kPlus = 'M12 5v14M5 12h14';
export const kMenu = 'M4 7h16M4 12h16M4 17h16';
export const kDown = 'm6 9 6 6 6-6';
export const kCheck = 'm5 12.5 4.5 4.5L19 7.5';
export const kPhone =
  'M8 2.5h8a1.5 1.5 0 0 1 1.5 1.5v16a1.5 1.5 0 0 1-1.5 1.5H8A1.5 1.5 0 0 1 6.5 20V4A1.5 1.5 0 0 1 8 2.5ZM11 18.5h2';
export const kCloud = 'M7 18.5a4.5 4.5 0 0 1-.5-9A6 6 0 0 1 18 10.6a4 4 0 0 1-.5 7.9H7Z';
export const kOffline =
  'M3 3l18 18M9.8 5.2A6 6 0 0 1 18 10.6a4 4 0 0 1 1.9 6.6M16.5 18.5H7a4.5 4.5 0 0 1-.5-9';
export const kAlert = 'M12 3.5 22 20.5H2L12 3.5ZM12 10v4.5M12 17.5v.1';
export const kPeople =
  'M9 4.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7ZM2.5 20a6.5 6.5 0 0 1 13 0M16 5a3.5 3.5 0 0 1 0 6.5M18 14.5a6.5 6.5 0 0 1 3.5 5.5';
export const kNote = 'M5 3.5h14v11l-6 6H5v-17ZM19 14.5h-6v6M8.5 8h7M8.5 12h4';
