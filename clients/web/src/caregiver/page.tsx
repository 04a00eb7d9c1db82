import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import { t } from '../i18n/index.ts';
import { Icon } from '../ui/icon.tsx';
import { kBack } from '../ui/icons.ts';
import { ToastPlace } from '../ui/toast.tsx';

interface PageProps {
  title: string;
  // Where "back" leads, and what it says.
  back: { href: string; label: string };
  children: ComponentChildren;
}

// A page that is read by daylight: back, a title, and a column.
export function Page({ title, back, children }: PageProps) {
  useEffect(() => {
    document.title = `${title} · ${t('common.app_name')}`;
    scrollTo(0, 0);
  }, [title]);
  return (
    <div class="page stack care-page">
      <header class="stack">
        <a class="back" href={back.href}>
          <Icon path={kBack} size={20} />
          {back.label}
        </a>
        <h1>{title}</h1>
      </header>
      <main class="stack">{children}</main>
      <footer class="care-toast">
        <ToastPlace />
      </footer>
    </div>
  );
}
