// The pages that are read by daylight, in one file.
export { default as Attention } from './attention_page.tsx';
export { default as NightPage } from './night_page.tsx';
export { default as Nights } from './nights_page.tsx';
export { default as PlanPage } from './plan_page.tsx';
