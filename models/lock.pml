/* The robust lock: internal/robust, lock.go, with WakeOne, WakeHeir and Leave of wait.go and the sweep of family.go.

   Each of N processes has a goroutine that locks and unlocks (the gate lets only one wait) and one that sweeps the dead; World
   kills processes and ends contexts at any step. Memory is sequentially consistent, as it is for Go's atomics.

   Claimed
     - at most one living process is between lock and unlock
     - who takes the lock is told that its last owner died (or said torn) if and only if it did, and is told again if he who was
       told died, too
     - no process sleeps for ever: all deaths swept, each has got the lock or given up. There is no tick that could help (but for
       PASSES, where a waiter passes over the heir of a free lock), so neither an heir nor a wake-up is ever lost

   Not covered: processes that are stopped, which passOver is for; an object that is freed; several goroutines of one process, which is in sleep.pml; more than 64 slots; the order in
   which bells have their turn (any may be next); slots that are used again, which is in slot.pml. The loop around a
   compare-and-swap is one step here, that of its success. Where a killed process is, its other threads stop at once: see slot.pml.

   The code was so once, and spin finds what is wrong with it. See trails/ for how it came about then:
     W_HEIR_OF_FREE   who waits makes itself the heir of a lock that has just become free: nobody rings it any more
     W_STALE_BITS     the sweep leaves the bit of the dead in the mask: a later WakeOne rings for nobody

   Mutations that spin finds
     M_LOOK_FIRST     look at the word before the bit is set       M_BURY_SILENT    the sweep does not write died
     M_MASK_FIRST     look at the mask before the word is free     M_BURY_NO_HEIR   the sweep leaves a dead heir
     M_NO_LEAVE       the bit stays when the waiter leaves         M_KEEP_DIED      who takes the lock leaves died
     M_NO_PASS_ON     who gives up wakes nobody                    M_NO_RING_ALL    the sweep rings no bells
     M_KEEP_HEIR      who gives up stays the heir
     M_FREE_SLOT_FIRST  the slot is free before the lock is buried (3 processes, 2 deaths: 30 million states, not in runs)

   Checked exhaustively, with COLLAPSE; CPU time of one core; 811 MB at the most
     N=3 KILLS=1                            15 237 846 states  27 s
     N=3 KILLS=0 CANCELS=1                     133 071         0.2 s
     N=2 KILLS=1 CANCELS=1 ROUNDS=2 TORN=1   3 303 396         4.0 s
     N=2 KILLS=2 CANCELS=1                     527 707         0.6 s
     N=2 KILLS=1 CANCELS=1 PASSES=1            214 103
     N=3 KILLS=0 PASSES=1                       47 457 */

#ifndef N
#define N 3       /* processes: slots 1..N */
#endif
#ifndef KILLS
#define KILLS 1   /* how many of them may be killed, each at any step */
#endif
#ifndef ROUNDS
#define ROUNDS 1  /* how often each locks */
#endif
#ifndef CANCELS
#define CANCELS 0 /* how many waits may be given up, each at any step */
#endif
#ifndef TORN
#define TORN 0    /* how many unlocks may say that what the lock guards is torn */
#endif

#ifndef PASSES
#define PASSES 0  /* how often a waiter may find that an heir has not taken a free lock for a tick, each at any step */
#endif

byte owner, heir;      /* the lock word: one value, read and changed in one step */
bool died;
byte mask;             /* of bells: bit p */
bool rung[N+1];        /* the bell has rung since its process looked last: Seq is not seen */
byte sweeping;         /* the sweep lock: a process */

bool dead[N+1], swept[N+1], given[N+1];
byte kills, cancels, torns, passes;

/* Ghosts: what is claimed. */
byte holder;           /* who is between lock and unlock; the sweep gives it back for the dead */
bool torn;             /* the last owner died with the lock, or said torn, and nobody who was told has unlocked since */

#define BIT(p)  (1 << (p))
#define FREE    (owner == 0)
#define MAYTAKE (owner == 0 && (heir == 0 || (isheir && heir == me)))
#ifdef W_HEIR_OF_FREE
#define MAYINHERIT (!isheir && heir == 0)
#else
#define MAYINHERIT (!isheir && heir == 0 && owner != 0)
#endif

/* take is a compare-and-swap that succeeds. */
inline take() {
	assert(holder == 0);   /* mutual exclusion */
	assert(died == torn);  /* the next owner is told of a death, and not of none */
	owner = me; heir = 0; holder = me; torn = false;
#ifndef M_KEEP_DIED
	died = false;
#endif
	isheir = false
}

inline ring(p) { rung[p] = true }

/* wakeone takes a bit, any, and rings its bell. */
inline wakeone() {
	atomic {
		if
		:: mask & BIT(1) -> bell = 1
		:: mask & BIT(2) -> bell = 2
		:: N > 2 && (mask & BIT(3)) -> bell = 3
		:: mask == 0
		fi;
		mask = mask & ~BIT(bell)
	};
	if
	:: atomic { bell != 0 -> ring(bell); bell = 0 }
	:: bell == 0
	fi
}

/* A process, as one of its goroutines that wants the lock: the gate lets one at a time wait. */
proctype Locker(byte me) {
	byte bell, next, round;
	bool isheir, failed;
	{
	do
	:: round == ROUNDS -> break
	:: else ->
		round++;
		do
#ifdef M_LOOK_FIRST
		:: if
		   :: atomic { MAYTAKE -> take() }; break
		   :: !MAYTAKE
		   fi;
		   mask = mask | BIT(me);
#else
		:: mask = mask | BIT(me);
		   if
		   :: atomic { MAYTAKE -> take() }; break
		   :: !MAYTAKE
		   fi;
#endif
#if PASSES
		   atomic {
			if
			:: isheir && heir != me -> isheir = false              /* passed over */
			:: else
			fi
		   };
#endif
		   if
#if PASSES
		   :: atomic { passes < PASSES && owner == 0 && heir != 0 && heir != me -> passes++; heir = 0 };  /* passOver */
		      wakeone();
		      rung[me] = true
#endif
		   :: atomic { MAYINHERIT -> heir = me; isheir = true }    /* patience is over, and the word is what it was */
		   :: true
		   fi;
		   if
		   :: atomic { rung[me] -> rung[me] = false }              /* woken; there is no tick, but for passOver */
#if PASSES
		   :: atomic { passes < PASSES && owner == 0 && heir != 0 && heir != me }
#endif
		   :: atomic { given[me] -> given[me] = false; failed = true }; break
		   fi
		od;
#ifndef M_NO_LEAVE
		mask = mask & ~BIT(me);
#endif
#ifndef M_KEEP_HEIR
		if
		:: atomic { isheir -> isheir = false;
			if
			:: heir == me -> heir = 0                              /* disinherit */
			:: else
			fi }
		:: else
		fi;
#endif
		if
		:: failed ->
			failed = false;
#ifndef M_NO_PASS_ON
			if
			:: FREE -> wakeone()
			:: else
			fi;
#endif
		:: else ->
			assert(owner == me && holder == me);
#ifdef M_MASK_FIRST
			bell = mask;
#endif
			atomic {                                               /* a compare-and-swap that succeeds */
				assert(owner == me && holder == me && !died);
				next = heir; owner = 0; holder = 0;
				if
				:: torns < TORN -> torns++; died = true; torn = true
				:: true
				fi
			};
			if
			:: atomic { next != 0 -> ring(next); next = 0 }        /* whether it waits or not */
#ifdef M_MASK_FIRST
			:: next == 0 && bell == 0
			:: next == 0 && bell != 0 -> bell = 0; wakeone()
#else
			:: next == 0 -> wakeone()
#endif
			fi
		fi
	od
	} unless { atomic { dead[me] -> bell = 0; next = 0; round = 0; isheir = false; failed = false } }
}

/* The same process, as one that hears of deaths: the kernel tells it, at any time. */
proctype Sweeper(byte me) {
	byte d, p;
	{
end:	do
	:: atomic {
		if
		:: dead[1] && !swept[1] -> d = 1
		:: dead[2] && !swept[2] -> d = 2
		:: N > 2 && dead[3] && !swept[3] -> d = 3
		fi };
		atomic { sweeping == 0 || dead[sweeping] -> sweeping = me };
		if
		:: swept[d]                                            /* another was faster */
		:: else ->
#ifdef M_FREE_SLOT_FIRST
			swept[d] = true;
#endif
			atomic {                                               /* Bury */
				if
				:: owner == d ->
					owner = 0; holder = 0;
#ifndef M_BURY_SILENT
					died = true;
#endif
				:: else
				fi;
#ifndef M_BURY_NO_HEIR
				if
				:: heir == d -> heir = 0
				:: else
				fi
#endif
			};
#ifndef W_STALE_BITS
			mask = mask & ~BIT(d);                                 /* before the slot is free, and before all bells ring */
#endif
			swept[d] = true;                                       /* Identity becomes 0 */
#ifndef M_NO_RING_ALL
			p = 1;
			do
			:: atomic { p <= N -> ring(p); p++ }
			:: atomic { p > N -> p = 0; break }
			od;
#endif
		fi;
		atomic { sweeping = 0; d = 0 }
	od
	} unless { atomic { dead[me] -> d = 0; p = 0 } }
}

/* World kills processes and gives up waits, at any step, or does not. */
proctype World() {
	byte v;
end:	do
	:: atomic { kills < KILLS ->
		kills++;
		if
		:: !dead[1] -> v = 1
		:: !dead[2] -> v = 2
		:: N > 2 && !dead[3] -> v = 3
		fi;
		dead[v] = true;
		given[v] = false; rung[v] = false;
		if
		:: owner == v -> torn = true
		:: else
		fi;
		v = 0 }
	:: atomic { cancels < CANCELS ->
		cancels++;
		if
		:: !dead[1] -> v = 1
		:: !dead[2] -> v = 2
		:: N > 2 && !dead[3] -> v = 3
		:: else
		fi;
		given[v] = true; v = 0 }
	:: atomic { kills = KILLS; cancels = CANCELS; passes = PASSES; break }
	od
}

init {
	atomic {
		byte p = 1;
		do
		:: p <= N -> run Locker(p); run Sweeper(p); p++
		:: p > N -> break
		od;
		run World()
	}
}
