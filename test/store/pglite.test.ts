import { recordContract } from '../contract/record-contract';

recordContract('PGlite', async () => null);
