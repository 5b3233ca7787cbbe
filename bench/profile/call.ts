/** Where time was spent: calls in calls. */

export interface Profile {
  readonly title: string;
  readonly tree: Call;
}

/** A function, called by its parent: with all its samples, and those of its callees. */
export class Call {
  readonly place: string;
  /** In this function itself. */
  own = 0;
  /** And in what it called. */
  micros = 0;
  readonly callees = new Map<string, Call>();

  constructor(place: string) {
    this.place = place;
  }

  callee(place: string): Call {
    let call = this.callees.get(place);
    if (call === undefined) {
      call = new Call(place);
      this.callees.set(place, call);
    }
    return call;
  }

  /** The functions that most time was spent in, whoever called them; of the platform's, the nearest of ours above. */
  costliest(count: number): [string, number][] {
    const found = new Map<string, number>();
    const visit = (call: Call, above: string) => {
      const ours = isOurPlace(call.place);
      const place = ours || above === "" ? call.place : `${call.place}  for ${above}`;
      found.set(place, (found.get(place) ?? 0) + call.own);
      for (const callee of call.callees.values()) visit(callee, ours ? call.place : above);
    };
    visit(this, "");
    return [...found].sort(([, a], [, b]) => b - a).slice(0, count);
  }
}

/** `name file:line`, of what is built from src/ or is there itself. */
export const isOurPlace = (place: string) => / (app\.cjs|acceptutils\S*\.parts|[^ /]+\.ts):/.test(place);
