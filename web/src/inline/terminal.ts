/** Stands in the terminal's page and runs before anything else is there. */
import { goAhead } from './ahead';

goAhead();
