import type { TemperatureUnit } from './events';

export const temperatureUnits = ['celsius', 'fahrenheit', 'kelvin'] as const satisfies readonly TemperatureUnit[];

/** Coldest temperature there is, in °C. */
export const COLDEST_CELSIUS = -273.15;
/** Hotter than any camera or sensor measures (devices end at 1000–3000 °C); beyond it a value is a mistake, in °C. */
export const HOTTEST_CELSIUS = 5_000;

/** How a unit is written behind a number. */
export const unitSign: Record<TemperatureUnit, string> = { celsius: '°C', fahrenheit: '°F', kelvin: 'K' };

/** Degrees of one kelvin: how much larger a difference looks in the unit. */
const degreesPerKelvin: Record<TemperatureUnit, number> = { celsius: 1, fahrenheit: 9 / 5, kelvin: 1 };
/** 0 °C in the unit. */
const freezing: Record<TemperatureUnit, number> = { celsius: 0, fahrenheit: 32, kelvin: 273.15 };

/**
 * Devices tell one or two decimals; what arithmetic adds behind the ninth must not decide at a limit
 * (55.3 − 50.1 is 5.199999999999996).
 */
export const exact = (value: number): number => Math.round(value * 1e9) / 1e9;

/** A temperature in °C. */
export const toCelsius = (value: number, unit: TemperatureUnit): number =>
  unit === 'celsius' ? value : exact((value - freezing[unit]) / degreesPerKelvin[unit]);

/** A temperature given in °C, in the unit. */
export const fromCelsius = (celsius: number, unit: TemperatureUnit): number =>
  unit === 'celsius' ? celsius : exact(celsius * degreesPerKelvin[unit] + freezing[unit]);

/** A difference of temperatures in kelvin, which is the same number in °C: 9 °F are 5 °C, not −12.8 °C. */
export const toKelvins = (difference: number, unit: TemperatureUnit): number =>
  unit === 'fahrenheit' ? exact(difference / degreesPerKelvin[unit]) : difference;

/** A difference given in kelvin, in degrees of the unit. */
export const fromKelvins = (kelvins: number, unit: TemperatureUnit): number =>
  unit === 'fahrenheit' ? exact(kelvins * degreesPerKelvin[unit]) : kelvins;
