// What the screen of the night shows when it is wanted, in one file.
export { default as EntrySheet } from './entry_sheet.tsx';
export { default as MenuSheet } from './menu_sheet.tsx';
export { default as Notices } from './notices.tsx';
export { default as PlanCard } from './plan_card.tsx';
export { default as SwitchSheet } from './switch_sheet.tsx';
