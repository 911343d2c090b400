/* Slots, the sweep lock and guards: internal/robust, family.go, and the sweep of guarded objects in internal/arena.

   Processes take a slot, announce themselves, and change an object in its guard, beside a record of their own; each may sweep.
   World kills them at any step: first the kernel marks the slot, while threads of the victim still run, then it says that all are gone.
   A process that comes later takes a slot that was swept. Memory is sequentially consistent, as it is for Go's atomics.

   Claimed
     - whatever a sweep does to a slot, it does while the slot is the victim's
     - who takes a slot finds no word that names it: no record, no guard, no mark
     - who gets the guard finds the object whole
     - when nothing moves any more, and anybody lives, all dead are swept, and nobody waits for the guard or the sweep lock

   Not covered: the heap's lock, which a sweep takes over likewise; what an object's repair is: here any sweep that has the guard makes the object whole, whoever broke it, as those in
   package shared do by computing sums anew from all records. Parents. Processes that the kernel cannot mark wait for the thorough look,
   which is the condition ENDED here. Two goroutines of one process that sweep.

   The code was so once, and spin finds what is wrong with it. See trails/ for how it came about then:
     W_WAIT_FOR_THE_DEAD  a sweep waits for a guard whose owner has died, and has not been swept, for which the sweep lock is needed.
                          Now it takes the guard over from anybody who has ended, and takes his part out, too

   Mutations that spin finds
     M_SWEEP_AT_MARK  sweep when the kernel has marked the slot    M_NO_LOOK_AGAIN  sweep without a look at Identity under the lock
     M_NO_SWEEP_LOCK  sweeps are not one at a time                 M_FREE_FIRST     Identity becomes 0 before the rest is cleared

   Checked exhaustively, with COLLAPSE; CPU time of one core
     FIRST=3 LATER=0 KILLS=2   6 954 497 states  14 s
     FIRST=3 LATER=1 KILLS=1   1 824 689        3.9 s
     FIRST=2 LATER=1 KILLS=2     602 740        0.9 s */

#ifndef FIRST
#define FIRST 3   /* processes at the start */
#endif
#ifndef LATER
#define LATER 1   /* processes that come when a slot has become free */
#endif
#ifndef KILLS
#define KILLS 2   /* how many of them may be killed, each at any step */
#endif
#define ALL (FIRST+LATER)
#define SLOTS FIRST

/* A process is its identity, 1..ALL, which is never another's. */
byte identity[SLOTS+1]; /* of a slot: a process, or 0 */
bool alive[SLOTS+1];    /* of a slot: announced to the kernel */
bool marked[SLOTS+1];   /* of a slot: by the kernel */
byte sweeping;          /* the sweep lock: a process */
byte guard;             /* of an object: a slot */
byte record[SLOTS+1];   /* what each process has of it */
byte changing;          /* a ghost: the object is in the middle of a change, by this slot */

byte slot[ALL+1];       /* of a process */
bool killed[ALL+1];     /* it has begun to end: some of its threads still run */
bool ended[ALL+1];      /* the kernel says that all threads are gone */
byte kills;

#define ENDED(s) (identity[s] != 0 && ended[identity[s]])

proctype Worker(byte me) {
	{
	if
	:: slot[me] != 0                                       /* since the start */
	:: atomic { slot[me] == 0 ->                           /* claim */
		if
		:: identity[1] == 0 -> slot[me] = 1
		:: identity[2] == 0 -> slot[me] = 2
		:: SLOTS > 2 && identity[3] == 0 -> slot[me] = 3
		fi;
		identity[slot[me]] = me;
		/* what is said of the last process of this slot is said of none */
		assert(guard != slot[me] && record[slot[me]] == 0 && !marked[slot[me]] && changing != slot[me]) };
	   atomic { alive[slot[me]] = true;                    /* announce */
		if
		:: killed[me] -> marked[slot[me]] = true
		:: else
		fi }
	fi;
	/* change the object, within its guard */
	atomic { guard == 0 -> guard = slot[me]; assert(changing == 0) };
	atomic { assert(guard == slot[me] && changing == 0); changing = slot[me] };
	record[slot[me]] = 1;
	atomic { assert(changing == slot[me]); changing = 0 };
	guard = 0
	} unless { ended[me] }
}

/* The same process as one that sweeps. */
proctype Sweeper(byte me) {
	byte s, d, t;
	{
end:	do
	:: atomic {                                            /* suspectAll: marked, or, thoroughly, ended */
		slot[me] != 0;
		if
		:: marked[1] && identity[1] != me -> s = 1
		:: marked[2] && identity[2] != me -> s = 2
		:: SLOTS > 2 && marked[3] && identity[3] != me -> s = 3
		:: ENDED(1) -> s = 1
		:: ENDED(2) -> s = 2
		:: SLOTS > 2 && ENDED(3) -> s = 3
		fi;
		d = identity[s] };
		if
#ifdef M_SWEEP_AT_MARK
		:: true
#endif
		:: ended[d] || d == 0 || identity[s] != d
		fi;
		/* lockSweep */
#ifdef M_NO_SWEEP_LOCK
		skip;
#else
		atomic { sweeping == 0 || ended[sweeping] -> sweeping = me };
#endif
		if
		:: d == 0
#ifdef M_NO_LOOK_AGAIN
		:: d != 0 ->
#else
		:: d != 0 && identity[s] != d                          /* somebody else has swept it */
		:: d != 0 && identity[s] == d ->
#endif
			/* the object: take its guard over, or take it if the dead process has a record, and repair */
			if
			:: atomic { guard == s -> guard = slot[me] };
				changing = 0;                                           /* whoever was at it: the victim, or one that it swept */
				atomic { assert(identity[s] == d); record[s] = 0 };
				guard = 0
			:: guard != s && record[s] == 0
			:: guard != s && record[s] != 0 ->
				do
				:: atomic { guard == 0 -> guard = slot[me]; assert(changing == 0) };
					atomic { assert(identity[s] == d); record[s] = 0 };
					guard = 0;
					break
#ifndef W_WAIT_FOR_THE_DEAD
				:: atomic { guard != 0 && ENDED(guard) && guard != s ->  /* taken over, and that one's part goes, too */
					t = guard };
					if
					:: atomic { guard == t -> guard = slot[me] };
						changing = 0;
						record[t] = 0;
						atomic { assert(identity[s] == d); record[s] = 0 };
						atomic { guard = 0; t = 0; break }
					:: atomic { guard != t -> t = 0 }
					fi
#endif
				od
			fi;
#ifdef M_FREE_FIRST
			identity[s] = 0;
			atomic { alive[s] = false; marked[s] = false };
#else
			atomic { assert(identity[s] == d); alive[s] = false; marked[s] = false };
			atomic { assert(identity[s] == d); identity[s] = 0 };
#endif
		fi;
		atomic {                                               /* unlockSweep */
			if
			:: sweeping == me -> sweeping = 0
			:: else
			fi;
			s = 0; d = 0 }
	od
	} unless { atomic { ended[me] -> s = 0; d = 0; t = 0 } }
}

proctype World() {
	byte v;
	do
	:: atomic { kills < KILLS ->
		if
		:: !killed[1] -> v = 1
		:: !killed[2] -> v = 2
		:: FIRST > 2 && !killed[3] -> v = 3
		:: LATER > 0 && slot[ALL] != 0 && !killed[ALL] -> v = ALL
		fi;
		kills++; killed[v] = true;
		if
		:: slot[v] != 0 && identity[slot[v]] == v && alive[slot[v]] -> marked[slot[v]] = true
		:: else
		fi };
		atomic { ended[v] = true; v = 0 }
	:: atomic { kills = KILLS; break }
	od
}

/* When nothing moves any more, and anybody lives to sweep, nothing of the dead is left, and the object is whole and free. */
proctype Final() {
	byte p, living;
	timeout;
	d_step {
		p = 1;
		do
		:: p <= ALL ->
			if
			:: slot[p] != 0 && !ended[p] -> living++
			:: else
			fi;
			p++
		:: else -> break
		od;
		assert(living == 0 || (guard == 0 && changing == 0 && sweeping == 0));
		p = 1;
		do
		:: p <= SLOTS ->
			assert(living == 0 || !ENDED(p));
			p++
		:: else -> break
		od
	}
}

init {
	atomic {
		byte p = 1;
		do
		:: p <= ALL ->
			if
			:: p <= FIRST -> slot[p] = p; identity[p] = p; alive[p] = true
			:: else
			fi;
			run Worker(p); run Sweeper(p); p++
		:: p > ALL -> break
		od;
		run World(); run Final()
	}
}
