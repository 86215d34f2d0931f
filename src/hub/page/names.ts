/** Files of the page, and modules in `client/`. */
export const PAGE_FILES = ['index.html', 'login.html', 'page.css', 'icon.svg'] as const;
export const PAGE_SCRIPTS = ['page', 'documents', 'dom', 'fleet', 'journal', 'login'] as const;
