// The time of the tablet: its clock, corrected by what the office's clock was seen to say.
// Within the journal it goes backwards only where the office says that the times so far lie
// ahead; otherwise everything would keep a wrong time until that has come.

// far is how much the clock may stray from the steady counter before it counts as moved.
const far = 120_000;

export interface Ticks {
  wall(): number; // ms, may be set by anybody
  steady(): number; // ms, only goes forward, may stand still while the tablet sleeps
}

const ticks: Ticks = { wall: () => Date.now(), steady: () => performance.now() };

export class Clock {
  private wall0: number;
  private steady0: number;
  private slept = false;
  private asleep = false;
  private jumped = 0;
  private last = 0;

  // offset is what is added to the tablet's clock, ms.
  constructor(public offset = 0, private readonly of: Ticks = ticks) {
    this.wall0 = of.wall();
    this.steady0 = of.steady();
  }

  // now is the corrected time.
  now(): Date {
    this.look();
    return new Date(this.of.wall() + this.offset);
  }

  mono(): number {
    return Math.round(this.of.steady());
  }

  // stamp is the time of an event: the corrected one, or that of the event before when the
  // clock went back.
  stamp(): { at: string; mono: number } {
    this.last = Math.max(this.last, this.now().getTime());
    return { at: new Date(this.last).toISOString(), mono: this.mono() };
  }

  // notBefore tells the time of the last event of an earlier run, and returns by how much
  // the clock lies before it, if by far.
  notBefore(at: string): number {
    const last = Date.parse(at);
    if (!(last > this.last)) return 0;
    this.last = last;
    const moved = this.now().getTime() - last;
    return moved < -far ? moved : 0;
  }

  // hidden tells whether the page is hidden: then the tablet may sleep, while the steady
  // counter stands still.
  hidden(is: boolean): void {
    this.slept = true;
    this.asleep = is;
  }

  // moved says by how much the clock jumped since it was asked last; 0 when it did not.
  moved(): number {
    this.look();
    const moved = this.jumped;
    this.jumped = 0;
    return moved;
  }

  // look finds a jump of the clock. One that is no sleep is taken out of the corrected time.
  private look(): void {
    const wall = this.of.wall();
    const steady = this.of.steady();
    const drift = Math.round(wall - this.wall0 - (steady - this.steady0));
    const slept = this.slept;
    this.wall0 = wall;
    this.steady0 = steady;
    this.slept = this.asleep;
    if (Math.abs(drift) <= far) return;
    if (drift < 0 || !slept) this.offset -= drift;
    this.jumped += drift;
  }

  // learn takes the office's time from an answer that was asked for at the steady time asked.
  learn(now: string, asked: number): void {
    const there = Date.parse(now);
    if (Number.isNaN(there)) return;
    this.look();
    const half = Math.max(0, this.of.steady() - asked) / 2;
    this.offset = Math.round(there + half - this.of.wall());
    const ahead = this.last - this.now().getTime();
    if (ahead <= far) return;
    this.last -= ahead;
    this.jumped -= ahead;
  }
}
