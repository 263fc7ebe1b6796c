// Objects that a provider keeps for a user: whose they are, and where. What the request path needs of a database; knows no SQL.

export interface ObjectBinding {
  objectId: string;
  provider: string;
  userId: string;
  /** Such as `files`. */
  family: string;
  createdAt: Date;
  /** By which it was made, and what that was filed under; missing where nobody noted it. */
  keyId?: string;
  tags?: readonly string[];
}

export interface Unbooked {
  families: readonly string[];
  /** Made at that moment or later. */
  since: Date;
  limit: number;
}

export interface BindingStore {
  /** An object that is bound already keeps its owner. */
  bind(bindings: readonly ObjectBinding[]): Promise<void>;
  /** All that bear this id: two providers may give the same one. */
  find(objectId: string): Promise<ObjectBinding[]>;
  /** A user's objects of one family, newest first. */
  list(userId: string, family: string): Promise<ObjectBinding[]>;
  /** Objects whose cost nobody has booked, newest first. */
  listUnbooked(wanted: Unbooked): Promise<ObjectBinding[]>;
  /** True for the first who asks, whichever gateway he is: the object's cost is his to book. */
  claimBooking(provider: string, objectId: string): Promise<boolean>;
  unbind(provider: string, objectId: string): Promise<void>;
}
