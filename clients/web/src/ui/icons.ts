// Paths for <Icon> that only pages loaded later use.

export const kBack = 'm14.5 5-7 7 7 7';
export const kNext = 'm9.5 5 7 7-7 7';
export const kClose = 'M6 6l12 12M18 6 6 18';
export const kPencil = 'M4 20l1-4.5L16 4.5l3.5 3.5L8.5 19 4 20ZM13.5 7 17 10.5';
export const kTrash = 'M4 6.5h16M9 6.5V4h6v2.5M6 6.5 7 20.5h10l1-14M10 10.5v6M14 10.5v6';
export const kCalendar = 'M4 5.5h16v15H4v-15ZM4 10h16M8 3v4M16 3v4';
export const kSpeech = 'M4 4.5h16v12h-9L6.5 20.5v-4H4v-12ZM8 9h8M8 12.5h5';
export const kHistory = 'M4 4v5h5M4.5 9A8.5 8.5 0 1 1 3.5 13M12 8v4.5l3 2';
export const kPrint = 'M7 8V3.5h10V8M7 17H4V8h16v9h-3M7 13.5h10v7H7v-7Z';
export const kLink =
  'M10 14a4 4 0 0 0 6 .5l3-3a4 4 0 0 0-6-6l-1 1M14 10a4 4 0 0 0-6-.5l-3 3a4 4 0 0 0 6 6l1-1';
export const kSettings =
  'M4 7h9M17 7h3M4 17h3M11 17h9M15 4.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5ZM9 14.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5Z';
