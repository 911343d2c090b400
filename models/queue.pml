/* The queue of two ends and its deliveries: shared, queue_ends.go, queue_put.go, queue_get.go and delivery.go, and its sweep.

   One or two processes put, one gets, one takes, acknowledges and returns. Puts and Gets with their two marks each, segments of RECORDS
   records with a header to jump to the next, segments that are made, linked, emptied and removed, deliveries, the hint Returned,
   claim, buryQueue, buryDelivery. Cells are given out again at once, the lowest first. World kills at any step, sweepers too if
   there are two. Memory is sequentially consistent, as it is for Go's atomics.

   Claimed
     - an item that Get has taken, or that was acknowledged, is given to nobody again
     - each item that was put is in the queue, in a delivery that somebody has or that came back, or done; so it is lost only with a
       process that got it
     - the items of one process come in order
     - who reads finds a record in a live segment; at the end every live segment lies between head and tail, and no cell is left half
       made or half freed
     - when nothing moves any more, all deaths swept, and without a tick, no lock is held, and nobody sleeps while there is
       an item, a delivery that came back, or room

   Not covered: the locks' words (lock.pml) and how sleepers are woken (sleep.pml); bytes and items of several sizes, GetsSeen, PutsSeen,
   TaskDone, Close, Free; contexts that end, and memory that is full; the heap's summaries (its lock is here); reuse of a cell's number while somebody
   looks at the old one. The sweep handles the queue's cell before its parts, as its number is the lowest. In the runs with TAKER
   and VICTIMS=4 only the taker (and a sweeper) is killed.

   The code was so once, and spin finds what is wrong with it. See trails/ for how it came about then:
     W_ONLY_ITS_OWN   who removes a delivery is then its holder. One that was not taken, and that a sweeper had made its own to
                      remove it, when it died, comes back after another process got the item
     W_COUNT_LOST     buryQueue does not add to Returned: who dies between the store to C and his own addition leaves a delivery
                      that nobody is told of (no trail)

   Mutations that spin finds
     M_TAIL_IN_PLACE  the mark that counts is changed              M_COPY_LAST      Gets is stored before the delivery is live
     M_BURY_FIRST     the locks are given back before segments     M_COUNT_FIRST    Returned grows before C says that it came back
                      are freed                                    M_NOT_DELIVERIES the lock of who gets is given back before the
                                                                                    deliveries are looked at

   Checked exhaustively, with COLLAPSE
     KILLS=1                                                      2 015 509 states
     KILLS=1 TAKER=1 GETTER=0 CELLS=3 RETURNS=0                   1 654 285
     FILLED=1 KILLS=1 TAKER=1 ITEMS=1 CELLS=3                     1 270 971
     FILLED=1 KILLS=2 TAKER=1 ITEMS=1 GETS=1 SWEEPERS=2 RETURNS=0
       VICTIMS=4 CELLS=2                                         10 111 775 */

#ifndef PUTTERS
#define PUTTERS 1  /* processes 1 and perhaps 2 */
#endif
#ifndef ITEMS
#define ITEMS 2    /* that each puts */
#endif
#ifndef GETTER
#define GETTER 1   /* process 3, which gets; 0: there is none */
#endif
#ifndef TAKER
#define TAKER 0    /* process 4, which takes, and acknowledges or returns; 0: there is none */
#endif
#ifndef GETS
#define GETS 2     /* how often each of these two does so */
#endif
#ifndef RETURNS
#define RETURNS 1  /* how many deliveries may be returned */
#endif
#ifndef CAPACITY
#define CAPACITY 2
#endif
#ifndef RECORDS
#define RECORDS 1  /* in a segment; behind them is room for a jump */
#endif
#ifndef CELLS
#define CELLS 4
#endif
#ifndef KILLS
#define KILLS 1    /* how many processes may be killed, each at any step */
#endif
#ifndef SWEEPERS
#define SWEEPERS 1 /* process 5 and perhaps 6: one of two may be killed, too */
#endif
#ifndef FILLED
#define FILLED 0   /* 1: an item is there at the start, instead of process 1 */
#endif
#ifndef VICTIMS
#define VICTIMS 1  /* 4: only the taker and the sweeper 5 are killed */
#endif
#define MAXITEM (PUTTERS*ITEMS)
#define JUMP    16
#define BIT(p)  (1 << (p))
#define READY   (puts != gets || returned > 0)
#define ROOM    (puts - gets < CAPACITY)

mtype = { Free, Building, Live, Ending };

/* The control block, and the locks of the two ends. */
byte plock, glock;
byte puts, gets, first, returned;
byte tailseg[2], tailoff[2], headseg[2], headoff[2];

/* Cells 1..CELLS, segments or deliveries; the queue's own come before these. */
mtype state[CELLS+1] = Free;
bool segment[CELLS+1];
byte cowner[CELLS+1], seq[CELLS+1], item[CELLS+1];
byte has[CELLS+1];                         /* C: who has the delivery, 0: it came back */
bool back[CELLS+1];                        /* A: it came back, or is about to */
byte heap;                                 /* the lock of the heap: a process */
byte header[(CELLS+1)*(RECORDS+1)];
#define AT(s, o) header[(s)*(RECORDS+1)+(o)]

byte itembells, roombells;
bool rung[5];
byte sweeping;
bool dead[7], swept[7];
byte kills, returns;

/* Ghosts. */
bool put[MAXITEM+1], taken[MAXITEM+1], done[MAXITEM+1];
bool sleeping[5];

/* wakeone takes a bit, any, and rings its bell; that a waker dies between the two is in sleep.pml. */
inline wakeone(bells) {
	atomic {
		if
		:: bells & BIT(1) -> bell = 1
		:: bells & BIT(2) -> bell = 2
		:: bells & BIT(3) -> bell = 3
		:: bells & BIT(4) -> bell = 4
		:: bells == 0
		fi;
		bells = bells & ~BIT(bell);
		rung[bell] = bell != 0;
		bell = 0
	}
}

/* wait sleeps until the condition holds; there is no tick. */
inline wait(bells, condition) {
	do
	:: bells = bells | BIT(me);
		atomic {
			if
			:: condition -> break
			:: else -> sleeping[me] = true
			fi
		};
		atomic { rung[me] -> rung[me] = false; sleeping[me] = false }
	od;
	bells = bells & ~BIT(me)
}

/* alloc gives out a cell, building, of this process. */
inline alloc(c, isseg) {
	atomic {
		if
		:: state[1] == Free -> c = 1
		:: state[2] == Free -> c = 2
		:: CELLS > 2 && state[3] == Free -> c = 3
		:: CELLS > 3 && state[4] == Free -> c = 4
		:: CELLS > 4 && state[5] == Free -> c = 5
		fi;
		state[c] = Building; segment[c] = isseg; cowner[c] = me; seq[c] = 0; item[c] = 0; back[c] = false; has[c] = 0
	}
}

/* lockheap: whoever sweeps takes it over from the dead. */
inline lockheap() { atomic { heap == 0 || me >= 5 && dead[heap] -> heap = me } }

/* remove ends and frees a live cell. */
inline remove(c) {
	lockheap();
	cowner[c] = me;
#ifdef W_ONLY_ITS_OWN
	has[c] = me;
#endif
	atomic { state[c] = Ending; heap = 0 };
	free(c)
}

/* giveback makes a delivery one that came back, with the store to C. */
inline giveback(c) {
	lockheap();
#ifdef M_COUNT_FIRST
	returned++;
#endif
	back[c] = true;
	has[c] = 0;
#ifndef M_COUNT_FIRST
	returned++;
#endif
	heap = 0
}

inline free(c) {
	lockheap();
	d_step { heap = 0; state[c] = Free; cowner[c] = 0; seq[c] = 0; item[c] = 0; back[c] = false; has[c] = 0; segment[c] = false;
		i = 0;
		do
		:: i <= RECORDS -> AT(c, i) = 0; i++
		:: else -> break
		od;
		i = 0 }
}

proctype Putter(byte me) {
	byte n, seg, off, c, bell, i, it;
	bool more;
	{
	do
	:: n == ITEMS -> break
	:: atomic { n < ITEMS && plock == 0 -> plock = me };
		if
		:: ROOM ->
			atomic { seg = tailseg[puts%2]; off = tailoff[puts%2] };
			if
			:: seg == 0 || off == RECORDS ->
				alloc(c, true);
				atomic { seq[c] = puts; state[c] = Live };
				if
				:: atomic { seg == 0 -> first = c }
				:: atomic { seg != 0 -> assert(state[seg] == Live && segment[seg]); AT(seg, off) = JUMP + c }
				fi;
				atomic { seg = c; off = 0; c = 0 }
			:: else
			fi;
			atomic { it = (me-1)*ITEMS + n + 1; assert(state[seg] == Live && segment[seg]); AT(seg, off) = it };
#ifdef M_TAIL_IN_PLACE
			atomic { tailseg[puts%2] = seg; tailoff[puts%2] = off + 1 };
			atomic { tailseg[(puts+1)%2] = seg; tailoff[(puts+1)%2] = off + 1; seg = 0; off = 0 };
#else
			atomic { tailseg[(puts+1)%2] = seg; tailoff[(puts+1)%2] = off + 1; seg = 0; off = 0 };
#endif
			atomic { puts++; put[it] = true; it = 0 };
			more = roombells != 0 && ROOM;
			plock = 0;
			wakeone(itembells);
			if
			:: atomic { more -> more = false }; wakeone(roombells)
			:: !more
			fi;
			n++
		:: !ROOM ->
			plock = 0;
			wait(roombells, ROOM)
		fi
	od
	} unless { atomic { dead[me] -> n = 0; seg = 0; off = 0; c = 0; bell = 0; i = 0; it = 0; more = false } }
}

/* claim looks for a delivery that came back. */
inline claim() {
	atomic { before = returned; coming = 0 };
	if
	:: before == 0
	:: atomic { before != 0 -> i = 1 };
		do
		:: atomic { i > CELLS -> i = 0; break }
		:: atomic { i <= CELLS && (state[i] != Live || segment[i] || !back[i] || has[i] != 0) -> i++ }
		:: atomic { i <= CELLS && state[i] == Live && !segment[i] && back[i] && has[i] == 0 ->
			if
			:: c == 0 -> has[i] = me; c = i
			:: else -> coming++; i++
			fi };
			if
			:: i == c -> atomic { back[i] = false; assert(!done[item[i]]); i++ }
			:: else
			fi
		od;
		atomic {
			if
			:: returned == before -> returned = coming
			:: else
			fi
		};
		atomic { before = 0; coming = 0 }
	fi
}

inline read() {
	atomic {                                               /* under the lock, and behind Puts: nobody changes what is read */
		seg = headseg[gets%2]; off = headoff[gets%2];
		if
		:: seg == 0 -> seg = first
		:: else
		fi;
		assert(state[seg] == Live && segment[seg]);
		if
		:: AT(seg, off) >= JUMP -> emptied = seg; seg = AT(seg, off) - JUMP; off = 0
		:: else
		fi;
		assert(state[seg] == Live && segment[seg]);
		it = AT(seg, off);
		assert(it != 0 && it < JUMP && put[it])
	}
}

inline advance() {
	atomic { headseg[(gets+1)%2] = seg; headoff[(gets+1)%2] = off + 1; seg = 0; off = 0 };
	atomic { gets++;
		assert(!done[it] && !taken[it]);
		taken[it] = true;
		assert(ITEMS < 2 || it % ITEMS == 1 || taken[it-1]);   /* order, for ITEMS 1 and 2 */
		if
		:: c == 0 -> done[it] = true
		:: else
		fi;
		it = 0 }
}

inline leave() {
	if
	:: emptied != 0 -> remove(emptied);
		atomic { glock = 0; emptied = 0 }
	:: atomic { emptied == 0 -> glock = 0 }
	fi;
	wakeone(roombells);
	if
	:: READY -> wakeone(itembells)
	:: else
	fi
}

proctype Getter(byte me) {
	byte n, seg, off, c, bell, i, it, emptied, before, coming;
	{
	do
	:: n == GETS -> break
	:: else ->
		wait(itembells, READY);
		atomic { glock == 0 -> glock = me };
		claim();
		if
		:: c != 0 ->
			leave();
			lockheap();
			cowner[c] = me;
			atomic { state[c] = Ending; assert(!done[item[c]]); done[item[c]] = true; heap = 0 };
			free(c);
			c = 0; n++
		:: c == 0 && puts > gets ->
			read();
			advance();
			leave();
			n++
		:: c == 0 && puts == gets ->
			leave()
		fi
	od
	} unless { atomic { dead[me] -> n = 0; seg = 0; off = 0; c = 0; bell = 0; i = 0; it = 0; emptied = 0; before = 0; coming = 0 } }
}

proctype Taker(byte me) {
	byte n, seg, off, c, bell, i, it, emptied, before, coming;
	{
	do
	:: n == GETS -> break
	:: else ->
		wait(itembells, READY);
		atomic { glock == 0 -> glock = me };
		claim();
		if
		:: c == 0 && puts > gets ->
			read();
#ifdef M_COPY_LAST
			alloc(c, false);
			atomic { item[c] = it; seq[c] = gets; has[c] = me };
			advance();
			state[c] = Live;
#else
			alloc(c, false);
			atomic { item[c] = it; seq[c] = gets; has[c] = me; state[c] = Live };
			advance();
#endif
		:: else
		fi;
		leave();
		if
		:: c == 0
		:: c != 0 ->
			n++;
			if
			:: lockheap();                                     /* Ack */
				cowner[c] = me;
				atomic { state[c] = Ending; assert(!done[item[c]]); done[item[c]] = true; heap = 0 };
				free(c)
			:: atomic { returns < RETURNS -> returns++ };      /* Return */
				giveback(c);
				wakeone(itembells)
			fi;
			c = 0
		fi
	od
	} unless { atomic { dead[me] -> n = 0; seg = 0; off = 0; c = 0; bell = 0; i = 0; it = 0; emptied = 0; before = 0; coming = 0 } }
}

/* burydelivery gives back what the dead had taken, and removes what it was about to take. */
inline burydelivery(c) {
	if
	:: has[c] != d
	:: atomic { has[c] == d && seq[c] >= gets }; remove(c)
	:: atomic { has[c] == d && seq[c] < gets }; giveback(c)
	fi
}

proctype Sweeper(byte me) {
	byte d, c, i, before, low;
	bool putting, getting;
	{
end:	do
	:: atomic {
		if
		:: dead[1] && !swept[1] -> d = 1
		:: dead[2] && !swept[2] -> d = 2
		:: dead[3] && !swept[3] -> d = 3
		:: dead[4] && !swept[4] -> d = 4
		:: dead[5] && !swept[5] -> d = 5
		fi };
		atomic { sweeping == 0 || dead[sweeping] -> sweeping = me };
		if
		:: swept[d]
		:: else ->
#ifdef M_BURY_FIRST
			atomic {
				putting = plock == d; getting = glock == d;
				if :: putting -> plock = 0 :: else fi;
				if :: getting -> glock = 0 :: else fi };
#else
			lockheap();                                        /* and repairs it, if it was the dead's */
			heap = 0;
			/* buryQueue */
			atomic { putting = (plock == d); getting = (glock == d) };
#endif
			if
			:: !putting && !getting -> c = 1
			:: putting || getting ->
				atomic { before = puts; low = 0;
					if
					:: headseg[gets%2] != 0 -> low = seq[headseg[gets%2]]
					:: else
					fi;
					c = 1 };
				do
				:: atomic { c > CELLS -> c = 1; break }
				:: atomic { c <= CELLS && (state[c] != Live || segment[c] && !(putting && seq[c] >= before || getting && seq[c] < low)) -> c++ }
				:: c <= CELLS && state[c] == Live ->
					if
					:: state[c] == Live && !segment[c] ->
#ifndef M_NOT_DELIVERIES
						burydelivery(c)
#else
						skip
#endif
					:: state[c] == Live && segment[c] && (putting && seq[c] >= before || getting && seq[c] < low) -> remove(c)
					:: else
					fi;
					c++
				od;
				atomic { before = 0; low = 0 }
			fi;
			getting = false; putting = false;
#ifndef W_COUNT_LOST
			returned++;                                        /* it died, perhaps, before it could */
#endif
			atomic {
				if
				:: glock == d -> glock = 0
				:: else
				fi };
			atomic {
				if
				:: plock == d -> plock = 0
				:: else
				fi };
			/* the cells behind it */
			do
			:: atomic { c > CELLS -> c = 0; break }
			:: atomic { c <= CELLS && (state[c] == Free || (state[c] == Live -> segment[c] || has[c] != d : cowner[c] != d)) -> c++ }
			:: c <= CELLS && state[c] != Free && (state[c] == Live -> !segment[c] && has[c] == d : cowner[c] == d) ->
				if
				:: (state[c] == Building || state[c] == Ending) && cowner[c] == d -> cowner[c] = me; free(c)
				:: state[c] == Live && !segment[c] -> burydelivery(c)
				:: else
				fi;
				c++
			od;
			atomic { itembells = itembells & ~BIT(d); roombells = roombells & ~BIT(d) };
			swept[d] = true;
			atomic { rung[1] = true; rung[2] = true; rung[3] = true; rung[4] = true }
		fi;
		atomic { sweeping = 0; d = 0 }
	od
	} unless { atomic { dead[me] -> d = 0; c = 0; i = 0; before = 0; low = 0; putting = false; getting = false } }
}

proctype World() {
	byte v;
	do
	:: atomic { kills < KILLS -> kills++;
		if
		:: VICTIMS < 4 && !dead[1] -> v = 1
		:: VICTIMS < 4 && PUTTERS > 1 && !dead[2] -> v = 2
		:: VICTIMS < 4 && GETTER && !dead[3] -> v = 3
		:: TAKER && !dead[4] -> v = 4
		:: SWEEPERS > 1 && !dead[5] -> v = 5
		:: else
		fi;
		if
		:: v != 0 -> dead[v] = true
		:: else
		fi;
		if
		:: v < 5 -> sleeping[v] = false; rung[v] = false
		:: else
		fi;
		v = 0 }
	:: atomic { kills = KILLS; break }
	od
}

/* Final looks when nothing moves any more: at what is there, who sleeps, and the memory. */
proctype Final() {
	byte c, n, live, seg;
	timeout;
	d_step {
		/* nobody sleeps while there is what he waits for, and nobody waits for a lock */
		assert(plock == 0 && glock == 0 && sweeping == 0 && heap == 0);
		assert(!(sleeping[1] || sleeping[2]) || !ROOM);
		assert(!(sleeping[3] || sleeping[4]) || puts == gets);
		/* every item is done, in the queue, or in a delivery */
		c = 1;
		do
		:: c <= MAXITEM -> n = n + put[c] - done[c]; c++
		:: else -> break
		od;
		n = n - (puts - gets);
		c = 1;
		do
		:: c <= CELLS ->
			assert(state[c] == Free || state[c] == Live);
			if
			:: state[c] == Live && segment[c] -> live++
			:: state[c] == Live && !segment[c] -> n--;
				assert(has[c] == 0 && back[c] && !sleeping[3] && !sleeping[4])
			:: else
			fi;
			c++
		:: else -> break
		od;
		assert(n == 0);
		/* every segment is on the way from the head to the tail */
		if
		:: puts > 0 ->
			seg = (headseg[gets%2] != 0 -> headseg[gets%2] : first);
			live--;
			do
			:: seg != tailseg[puts%2] -> seg = AT(seg, RECORDS) - JUMP; live--
			:: else -> break
			od
		:: else
		fi;
		assert(live == 0)
	}
}

init {
	atomic {
#if FILLED
		first = 1; state[1] = Live; segment[1] = true; AT(1, 0) = 1;
		tailseg[1] = 1; tailoff[1] = 1; puts = 1; put[1] = true;
#else
		run Putter(1);
#endif
#if PUTTERS > 1
		run Putter(2);
#endif
#if GETTER
		run Getter(3);
#endif
#if TAKER
		run Taker(4);
#endif
		run Sweeper(5);
#if SWEEPERS > 1
		run Sweeper(6);
#endif
		run World(); run Final()
	}
}
