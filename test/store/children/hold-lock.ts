/** Holds the lock of a data folder until it is killed. */
import { lockDataDir } from '../../../engine/store';

void lockDataDir(process.argv[2]!, { url: 'http://127.0.0.1:1/' }).then(() => process.send?.('held'));
setInterval(() => {}, 1_000);
