/** As the system has it, unless somebody chose. */
export type Theme = 'auto' | 'light' | 'dark';

const KEY = 'dashboard-theme';
const NEXT: Readonly<Record<Theme, Theme>> = { auto: 'dark', dark: 'light', light: 'auto' };

export function theme(): Theme {
  const chosen = localStorage.getItem(KEY);
  return chosen === 'light' || chosen === 'dark' ? chosen : 'auto';
}

export function applyTheme(): void {
  document.documentElement.dataset['theme'] = theme();
}

export function switchTheme(): void {
  localStorage.setItem(KEY, NEXT[theme()]);
  applyTheme();
}
