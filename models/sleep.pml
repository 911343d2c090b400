/* Sleeping and waking: internal/robust, wait.go.

   Processes 1 and 2 have up to two waiters each, or with TRIO three and one: mask, bell, leader and followers, the number seen, tags, nudges over channels of
   capacity 1, AfterFunc, leaving the list, Leave. Process 3 adds to two objects, and wakes with WakeOne, or sets an event, and wakes with
   WakeAll. World kills processes and ends contexts at any step; the parent, which lives, sweeps. Memory is sequentially
   consistent, as it is for Go's atomics.

   Claimed, when nothing moves any more, all deaths swept, and without a tick
     - nobody sleeps while there is what it waits for
     - nobody sleeps whose context has ended
     - where nobody leads, nobody is parked, at any time

   Not covered: how the numbers of a bell wrap around; more than two waiters in a process that wait for different objects; more than 64 slots but for
   SHARED_BELL, where a leader tells everybody whatever the tags; the death of the only process that sweeps. What a mutex guards within
   a process is one step: who dies with it takes it along.

   The code was so once, and spin finds what is wrong with it. See trails/; those of
   what was once show it in the model as it was then:
     W_LEAD_TOLD      who is told to look, and has emptied its channel, still counts as parked until it has the mutex: so who stops
                      leading makes it the leader, and it leads without looking
     W_LEAD_NUDGED    who was nudged after it looked, and then finds that nobody leads, leads without looking again
     W_TWO_GATES      two goroutines of one process wait for one object through two handles, each with its gate: Leave of the one
                      takes the bit of the other

   Mutations that spin finds
     M_LOOK_FIRST     look before the bit is set                   M_NO_RING_ALL    the sweep rings no bells
     M_WAKE_FIRST     wake before the change                       M_NO_PASS_ON     who leaves wakes nobody
     M_WHICH_LAST     ring before the tag is set
     M_NO_HANDOVER    who stops leading appoints nobody

   Checked exhaustively, with COLLAPSE
     KILLS=0 CANCELS=0                       766 987 states
     KILLS=0 CANCELS=1 WAITERS=2 TOKENS=2  8 774 323
     KILLS=1 CANCELS=0 WAITERS=2           1 711 933
     KILLS=0 CANCELS=1 WAITERS=3 EVENT=1 TRIO  2 993 851 */

#ifndef EVENT
#define EVENT 0   /* 0: two objects, each with a count that waiters take from, WakeOne, Leave. 1: one event, WakeAll, no Leave */
#endif
#ifndef KILLS
#define KILLS 1   /* how many processes may be killed, each at any step */
#endif
#ifndef CANCELS
#define CANCELS 1 /* how many waits may be given up, each at any step */
#endif
#ifndef TOKENS
#define TOKENS 1  /* how often each waker adds to its object */
#endif
#ifndef WAITERS
#define WAITERS 3 /* 4: two in each process; 3: one in the second */
#endif

/* Processes 1 and 2 wait, with waiters 1, 2 and 3, 4; process 3 wakes; the parent, which sweeps, has no number and lives. */
#define BIT(p)    (1 << (p))
#ifdef TRIO
#define PROC(w)   ((w) < 4 -> 1 : 2)
#else
#define PROC(w)   ((w) < 3 -> 1 : 2)
#endif
#if EVENT || defined(W_TWO_GATES)
#define OBJECT(w) 0
#else
#define OBJECT(w) ((w) == 1 || (w) == 3 -> 0 : 1)
#endif
#ifdef SAME_TAG
#define TAG(o)    1
#else
#define TAG(o)    ((o) + 1)
#endif
#define ALL       3

byte count[2];      /* what is waited for */
byte mask[2];       /* the bells of who waits for it */

bool moved[3];      /* of a bell: Seq is not what the leader has seen */
byte which[3];      /* of a bell */

/* Within a process, guarded by its mutex. */
bool leading[3];
bool asleep[5];     /* in the list */
bool nudged[5];     /* the channel of capacity 1 is full */
bool parked[5];     /* it waits for the channel, or is about to, and was not told */
bool leads[5];      /* it was parked, and now leads */
#ifdef W_LEAD_TOLD
#define PARKED_ARE_LED skip;
#else
#define PARKED_ARE_LED assert(leading[me] || !(PROC(1) == me && parked[1] || PROC(2) == me && parked[2] || \
                                               PROC(3) == me && parked[3] || PROC(4) == me && parked[4]));
#endif

mtype = { look, park, lead };

bool given[5];      /* the context has ended */
bool armed[5];      /* AfterFunc */
bool dead[4];
byte kills, cancels;

/* ring rings the bell p, a variable, which it sets to 0. */
inline ring(p, t) {
#ifdef M_WHICH_LAST
	moved[p] = true;
	atomic { which[p] = which[p] | (t); p = 0 }
#else
	which[p] = which[p] | (t);
	atomic { moved[p] = true; p = 0 }
#endif
}

/* wakeone takes a bit, any, and rings its bell. */
inline wakeone(o) {
	atomic {
		if
		:: mask[o] & BIT(1) -> bell = 1
		:: mask[o] & BIT(2) -> bell = 2
		:: mask[o] == 0
		fi;
		mask[o] = mask[o] & ~BIT(bell)
	};
	if
	:: bell != 0 -> ring(bell, TAG(o))
	:: else
	fi
}

inline wakeall(o) {
	atomic { set = mask[o]; mask[o] = 0 };
	do
	:: atomic { set & BIT(1) -> set = set & ~BIT(1); bell = 1 }; ring(bell, TAG(o))
	:: atomic { set & BIT(2) -> set = set & ~BIT(2); bell = 2 }; ring(bell, TAG(o))
	:: set == 0 -> break
	od
}

inline nudge(w) { nudged[w] = true }

/* told tells w, if it is another of this process with such a tag. Under the mutex. */
inline told(v) {
	if
	:: v != w && asleep[v] && PROC(v) == me && (tags & TAG(OBJECT(v))) != 0 ->
#ifndef W_LEAD_TOLD
		parked[v] = false;                                     /* it has to look, so it must not lead */
#endif
		nudge(v)
	:: else
	fi
}

#define MAYLEAD(v) (asleep[v] && PROC(v) == me && parked[v] && !nudged[v])

/* handover makes another the leader, any. Under the mutex. */
inline handover() {
	if
#ifndef M_NO_HANDOVER
	:: MAYLEAD(1) -> parked[1] = false; leads[1] = true; nudge(1)
	:: MAYLEAD(2) -> parked[2] = false; leads[2] = true; nudge(2)
	:: MAYLEAD(3) -> parked[3] = false; leads[3] = true; nudge(3)
	:: MAYLEAD(4) -> parked[4] = false; leads[4] = true; nudge(4)
#endif
	:: else -> leading[me] = false
	fi;
	PARKED_ARE_LED
}

proctype Waiter(byte me, w) {
	byte bell, tags;
	mtype does;
	{
	asleep[w] = true;
	do
	::
#ifndef M_LOOK_FIRST
		mask[OBJECT(w)] = mask[OBJECT(w)] | BIT(me);
#endif
		if
		:: atomic { count[OBJECT(w)] > 0 -> count[OBJECT(w)] = count[OBJECT(w)] - 1 + EVENT }; break
		:: atomic { count[OBJECT(w)] == 0 }
		fi;
#ifdef M_LOOK_FIRST
		mask[OBJECT(w)] = mask[OBJECT(w)] | BIT(me);
#endif
#if CANCELS
		if
		:: given[w] -> break
		:: else
		fi;
#endif
		/* sleep */
		atomic {
			if
#ifndef W_LEAD_NUDGED
			:: nudged[w] -> nudged[w] = false; does = look         /* told already, whoever leads */
			:: !nudged[w] && leading[me] -> parked[w] = true; does = park
			:: !nudged[w] && !leading[me] -> leading[me] = true; armed[w] = true; does = lead
#else
			:: leading[me] -> parked[w] = true; does = park
			:: !leading[me] -> leading[me] = true; armed[w] = true; does = lead
#endif
			fi
		};
		if
		:: does == park ->
			if                                                     /* without the mutex */
			:: atomic { nudged[w] -> nudged[w] = false }
			:: given[w]
			fi;
			atomic {
				parked[w] = false; does = look;
				if
				:: leads[w] -> leads[w] = false; armed[w] = true; does = lead
				:: else
				fi
			}
		:: else
		fi;
		if
		:: does == lead ->
			do                                             /* lead */
#if CANCELS
			:: given[w] -> break
#endif
			:: !given[w] ->
				atomic { moved[me] -> moved[me] = false };         /* seen = seq; there is no tick */
				atomic { tags = which[me]; which[me] = 0 };
#ifdef SHARED_BELL
				tags = ALL;
#endif
				atomic {
					told(1); told(2); told(3); told(4);
					PARKED_ARE_LED
					if
					:: (tags & TAG(OBJECT(w))) != 0 -> tags = 0; break
					:: else -> tags = 0
					fi
				}
			od;
			atomic { handover(); armed[w] = false }
		:: else
		fi;
		does = 0
	od;
	/* leave */
	atomic { does = 0; assert(!parked[w] && !leads[w]); asleep[w] = false };
	if
	:: !EVENT ->
		atomic {
			nudged[w] = false;                             /* drained, for the pool */
			mask[OBJECT(w)] = mask[OBJECT(w)] & ~BIT(me)   /* Leave */
		};
#ifndef M_NO_PASS_ON
		if
		:: count[OBJECT(w)] > 0 -> wakeone(OBJECT(w))      /* whether it got something, or gave up */
		:: else
		fi
#endif
	:: else -> nudged[w] = false
	fi
	} unless { atomic { dead[me] -> bell = 0; tags = 0; does = 0;
		asleep[w] = false; nudged[w] = false; armed[w] = false; parked[w] = false; leads[w] = false } }
}

/* AfterFunc: who leads in the kernel hears of the end of his context by a ring. */
proctype AfterFunc(byte me) {
	byte bell;
	{
end:	do
	:: atomic { PROC(1) == me && given[1] && armed[1] -> armed[1] = false; bell = me }; ring(bell, ALL)
	:: atomic { PROC(2) == me && given[2] && armed[2] -> armed[2] = false; bell = me }; ring(bell, ALL)
	:: atomic { PROC(3) == me && given[3] && armed[3] -> armed[3] = false; bell = me }; ring(bell, ALL)
	:: atomic { PROC(4) == me && given[4] && armed[4] -> armed[4] = false; bell = me }; ring(bell, ALL)
	od
	} unless { atomic { dead[me] -> bell = 0 } }
}

proctype Waker(byte o) {
	byte bell, set, n;
	{
	do
	:: n == TOKENS -> break
	:: else -> n++;
#ifdef M_WAKE_FIRST
		wakeone(o);
#endif
		count[o]++;
#ifndef M_WAKE_FIRST
		if
		:: EVENT -> wakeall(o)
		:: else -> wakeone(o)
		fi
#endif
	od
	} unless { atomic { dead[3] -> bell = 0; set = 0; n = 0 } }
}

/* The parent sweeps after a death. */
proctype Parent() {
	bool done[4];
	byte v, bell;
end:	do
	:: atomic {
		if
		:: dead[1] && !done[1] -> v = 1
		:: dead[2] && !done[2] -> v = 2
		:: dead[3] && !done[3] -> v = 3
		fi;
		done[v] = true };
#ifndef W_STALE_BITS
		mask[0] = mask[0] & ~BIT(v);
		atomic { mask[1] = mask[1] & ~BIT(v); v = 0 };
#endif
#ifndef M_NO_RING_ALL
		bell = 1; ring(bell, ALL);
		bell = 2; ring(bell, ALL);
#endif
	od
}

proctype World() {
	byte v;
	do
	:: atomic { kills < KILLS -> kills++;
		if
		:: !dead[1] -> v = 1
		:: PROC(WAITERS) > 1 && !dead[2] -> v = 2
		:: !dead[3] -> v = 3
		fi;
		dead[v] = true;
		if
		:: v < 3 -> moved[v] = false; which[v] = 0; leading[v] = false
		:: else
		fi;
		v = 0 }
	:: atomic { cancels < CANCELS -> cancels++;
		if
		:: v = 1
		:: v = 2
		:: WAITERS > 2 -> v = 3
		:: WAITERS > 3 -> v = 4
		fi;
		given[v] = true; v = 0 }
	:: atomic { kills = KILLS; cancels = CANCELS; break }
	od
}

/* Final looks when nothing moves any more, for there is no tick: nobody sleeps while there is what he waits for, or after his
   context ended. */
proctype Final() {
	byte w;
	timeout;
	d_step {
		w = 1;
		do
		:: w <= 4 ->
			assert(!asleep[w] || count[OBJECT(w)] == 0 && !given[w]);
			w++
		:: else -> break
		od
	}
}

init {
	atomic {
		run Waiter(1, 1); run Waiter(1, 2);
#if WAITERS > 2
		run Waiter(PROC(3), 3);
#endif
#if WAITERS > 3
		run Waiter(2, 4);
#endif
#if CANCELS
		run AfterFunc(1);
#if WAITERS > 2
		run AfterFunc(2);
#endif
#endif
		run Waker(0);
#if !EVENT && !defined(W_TWO_GATES)
		run Waker(1);
#endif
		run Parent(); run World(); run Final()
	}
}
