// What the modules hand to each other. The messages are those of docs/architecture.md.
import type { LiveSource, RecordingSource } from "./source.js";

export type Column = (number | null)[];

/** The newest iterations: one after another from `first`, or those that are listed. */
export interface Curve {
  first?: number;
  iterations?: number[] | null;
  columns?: Record<string, Column>;
}

export type Metrics = Record<string, number | null | undefined>;

/** What guesses score that know nothing of the update, and the share of the labels that chance finds. */
export interface Floor {
  grey?: Metrics;
  mean?: Metrics;
  other?: Metrics;
  chance?: number;
}

export interface Frame {
  iteration: number;
  metrics?: Metrics;
  layers?: Record<string, number | null>;
  labels?: number[];
  redrawn?: number;
  seconds?: number;
  /** the second at which the picture should be recognisable; null where nothing can be said */
  forecast?: number | null;
  /** it is the first look that found the picture recognisable; missing in what was stored before there were looks */
  recognised?: boolean;
}

/** A tensor of the update: what gradleak_core/tiles.py says of it. A hidden one has no norm. */
export interface Layer {
  name: string;
  shape: number[];
  form: number[];
  classes: number[];
  signs: number[];
  before: number;
  norm: number | null;
  share: number | null;
  zeros: number | null;
}

/** The update that the client sent, and the one before its defences if that was another. Tiles are base64. */
export interface Update {
  layers: Layer[];
  sent: string;
  before: string | null;
  bytes: number;
  whole: number;
}

export interface Result {
  status: string;
  seconds?: number;
  verdict?: string | null;
  evidence?: Record<string, number>;
  iterations_to_recognisable?: number | null;
}

/** A message without its picture; a trace keeps the newest value of each. */
export interface Head {
  status: string;
  steps?: number;
  batch?: number;
  labels?: number[] | null;
  floor?: Floor | null;
  seconds?: number | null;
  queue_position?: number | null;
  queue_seconds?: number | null;
  share?: number | null;
  message?: string | null;
  result?: Result | null;
  curve?: Curve | null;
  frames?: Frame[];
  picture?: number | null;
  /** the tiles of the newest frame */
  tiles?: string | null;
  update?: Update | null;
}

export interface Recording {
  head: Head;
  result?: Result | null;
  curve: { first: number; iterations?: number[]; columns: Record<string, Column> };
  frames: (Frame & { picture: string; tiles?: string | null })[];
  truth: string;
}

export type Source = LiveSource | RecordingSource;
export type Hear = (head: Head, picture?: Blob | string | null) => void;
export type Picture = ImageBitmap | HTMLImageElement;

/** What `live_view` in pages/_parts/live_view.py sends. */
export interface Data {
  version: string;
  experiment: { images: string[]; threat?: { hidden?: string } } | null;
  run: string | null;
  recording: string | null;
  refused: string | null;
  fixes: string[];
  complaint: string;
  foreword: string;
  length: string;
  classes: string[] | null;
  /** the places of the pictures whose labels nobody chose */
  unnamed: number[];
  preview: string | null;
  remark: string;
  why: string;
  mend: string;
  /** the run and the iteration whose picture a fork begins with */
  start: { run: string; iteration: number } | null;
  told: boolean;
  compact: boolean;
  /** everybody has runs of their own, which others see by a link only */
  people: boolean;
  /** whoever runs the same set-up here has one run with all others who do */
  room: boolean;
  entry: Entry | null;
  /** the code of the language of the page */
  lang?: string;
  /** what a link that teaches hides and locks, and the iteration at which the run is shown first */
  hidden?: string[];
  locked?: string[];
  at?: number | null;
  seen: Record<string, number>;
  visibly: number;
  recognisable_ssim: number;
  statuses: Record<string, string>;
  reasons: Record<string, string>;
  module?: string;
}

/** What `race_view` in pages/_parts/race.py sends: a race to run, one to show, or both. */
export interface RaceData {
  version: string;
  module: string;
  race: { lanes: object[]; names: string[]; title: string | null; by: "iterations" | "seconds" } | null;
  shown: { id: string; runs: string[]; names: string[]; race: boolean } | null;
  refused: string | null;
  complaint: string;
  foreword: string;
  preview: string | null;
  shared: string;
  compact: boolean;
  people: boolean;
  entry: Entry | null;
  batch: number;
  lang?: string;
  hidden?: string[];
  locked?: string[];
  at?: number | null;
  seen: Record<string, number>;
  recognisable_ssim: number;
  statuses: Record<string, string>;
}

/** What somebody has to do before something can be run: in a sentence, on a button, and whether a PIN is typed. */
export interface Entry {
  says: string;
  act: string;
  typed: boolean;
}

/** What either view is given. */
export type Given = Data | RaceData;

export interface RaceComponent {
  data: RaceData;
  parentElement: HTMLElement;
  setStateValue(name: string, value: string): void;
  setTriggerValue(name: string, value: string): void;
}

export interface Component {
  data: Data;
  parentElement: HTMLElement;
  setStateValue(name: string, value: string): void;
  setTriggerValue(name: string, value: string): void;
}

/** The elements of view.html that are more than something to write in. */
interface Elements {
  run: HTMLButtonElement;
  pause: HTMLButtonElement;
  step1: HTMLButtonElement;
  step10: HTMLButtonElement;
  stop: HTMLButtonElement;
  follow: HTMLButtonElement;
  fresh: HTMLInputElement;
  scrubber: HTMLInputElement;
  progress: HTMLProgressElement;
  help: HTMLAnchorElement;
  watch: HTMLAnchorElement;
  share: HTMLButtonElement;
  pin: HTMLInputElement;
  download: HTMLButtonElement;
  why: HTMLButtonElement;
  mend: HTMLButtonElement;
  fork: HTMLButtonElement;
}

/** The element of view.html with this name as its `data-gl`. */
export type Find = <Name extends string>(name: Name) => Name extends keyof Elements ? Elements[Name] : HTMLElement;

/** What a user can ask for. */
export interface Wanted {
  run(): void;
  pause(): void;
  step(iterations: number): void;
  stop(): void;
  pace(perSecond: number | null): void;
  follow(): void;
  scrub(iteration: number): void;
  move(by: number): void;
  change(): void;
  stage(): void;
  fix(title: string): void;
  enter(pin: string): void;
}
