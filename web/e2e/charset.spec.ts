/** A target that does not speak UTF-8. */
import { expect, test } from './fixtures';

test('umlauts are seen and typed on a target that speaks Latin-1', async ({
  gateway,
  page,
  sshd,
  terminal,
}) => {
  await page.goto(await gateway.create({ ...sshd.target, charset: 'iso-8859-1' }));
  await terminal.prompt();
  await terminal.run(String.raw`clear; printf 'sch\366n \344\366\374\n'; read -r word`);
  await terminal.shows('schön äöü');
  await terminal.run('Grüße');
  await terminal.shows('Grüße');
  await terminal.run('clear; printf %s "$word" | od -An -tx1');
  await terminal.shows('47 72 fc df 65');
  expect((await terminal.lines()).join()).not.toContain('\ufffd');
});
