// The consultant's desk: `#/desk` is the caseload, `#/desk/FAMILY/CHILD` a child's page; below that
// `plan` writes one, and `diary` is a page to print.
import '../ui/theme.ts';
import './desk.css';
import type { AreaProps } from '../app/shell.tsx';
import { CaseloadPage } from './caseload_page.tsx';
import { ChildPage } from './child_page.tsx';
import { useDesk } from './desk.ts';
import { DiaryPage } from './diary_page.tsx';
import { PlanPage } from './plan_page.tsx';

export default function Desk({ app, path }: AreaProps) {
  useDesk(app);
  const [familyId, childId, page, argument] = path;
  const family = app.families.value.find(({ id }) => id === familyId);
  const child = family?.list('child').value.find(({ id }) => id === childId);
  if (!family || !child) return <CaseloadPage app={app} />;
  const key = `${familyId}${childId}`;
  if (page === 'plan') return <PlanPage key={key} family={family} child={child} />;
  if (page === 'diary') {
    return <DiaryPage key={key} family={family} child={child} until={argument} />;
  }
  return <ChildPage key={key} family={family} child={child} date={page} />;
}
