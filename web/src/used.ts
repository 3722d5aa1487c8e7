/** A page whose link opens nothing loads the terminal only where the gate let it through. */
if (document.documentElement.dataset['page'] === 'terminal') {
  void import('./main');
}
