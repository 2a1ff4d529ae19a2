# example.mk: what the Makefiles of the examples share.
#
#   make           $(NET).cnn --cnnc--> $(NET).c --cc, libcnn--> $(NET), made for speed on this machine
#   make train     runs it; make train TRAIN="--epochs 1" with other options
#   make lesson    $(NET)-lesson.c, made to be read; make STYLE=lesson builds the program from such C
#   make CNNCFLAGS="-D filters=16" with other options for the compiler
#
# With MAIN = main.c: $(NET).c and $(NET).h for inference alone, to be read, built with main.c and without libcnn.
# cnnc and libcnn are those in ../../build, or the installed ones if nothing was built there.

BUILD ?= ../../build
CFLAGS ?= -O3 -march=native
STYLE ?= fast --target=$(shell ../machine.sh)

ifneq ($(wildcard $(BUILD)/compiler/cnnc),)
CNNC ?= $(BUILD)/compiler/cnnc
LIBCNN ?= $(BUILD)/runtime/libcnn.a
NEEDS ?= $(shell cat $(LIBCNN:.a=.needs))
else
CNNC ?= cnnc
LIBCNN ?= -lcnn
NEEDS ?= -lm
endif

# Where the programs look for data sets; ../get-data.sh puts them there.
CNN_DATA ?= ../../data
export CNN_DATA

ifdef MAIN
$(NET): $(MAIN) $(NET).c
	$(CC) -std=c11 $(CFLAGS) $^ -lm -o $@
$(NET).c: $(NET).cnn $(wildcard $(CNNC))
	$(CNNC) --style=lesson --infer $(CNNCFLAGS) $< -o $@ -o $(NET).h
else
$(NET): $(NET).c $(wildcard $(LIBCNN))
	$(CC) $(CFLAGS) $< $(LIBCNN) $(NEEDS) -o $@
$(NET).c: $(NET).cnn $(wildcard $(CNNC))
	$(CNNC) --main --style=$(STYLE) $(CNNCFLAGS) $< -o $@
$(NET)-lesson.c: $(NET).cnn $(wildcard $(CNNC))
	$(CNNC) --style=lesson $(CNNCFLAGS) $< -o $@
lesson: $(NET)-lesson.c
train: $(NET)
	./$(NET) train $(TRAIN)
endif

clean:
	rm -f $(NET) $(NET).c $(NET).h $(NET)-lesson.c

.PHONY: lesson train clean
