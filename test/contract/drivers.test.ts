import { driverContract } from './driver-contract';
import { driverKindsPlayed } from './driver-kinds';

driverContract(driverKindsPlayed);
