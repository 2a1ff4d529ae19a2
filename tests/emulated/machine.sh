#!/usr/bin/env bash
# machine.sh ROOT WORK SECONDS: runs ROOT/test on an emulated x86 processor that has AVX-512, with ROOT as its files, and prints what it prints.
#
# bochs emulates a Skylake-X whose registers are saved by Debian's kernel; Linux comes from Debian's package, unpacked into WORK, not
# installed; it starts from an image of a CD. Its screen, which nobody needs, is at port 5900. ROOT/test is a script for busybox's shell.
# Status 0 if the script ended in time with status 0, 1 if not, 77 if something to emulate with is missing, which is said. Starting Linux
# takes half a minute.
set -u
root=$1
work=$2
seconds=$3
packages="bochs bochsbios vgabios isolinux syslinux-common xorriso cpio busybox-static"
roms=/usr/share/bochs
boot=/usr/lib/ISOLINUX/isolinux.bin
loader=/usr/lib/syslinux/modules/bios/ldlinux.c32

missing() {
    echo "missing: $1"
    exit 77
}

mkdir -p "$work/cd" || exit 2
work=$(cd "$work" && pwd)
for program in bochs xorriso cpio; do command -v $program > /dev/null || missing "$program (packages: $packages)"; done
for file in $roms/BIOS-bochs-latest $roms/VGABIOS-lgpl-latest $boot $loader /bin/busybox; do
    [ -e $file ] || missing "$file (packages: $packages)"
done

# Linux, from the package that linux-image-cloud-amd64 stands for.
if [ ! -e "$work/cd/vmlinuz" ]; then
    package=$(apt-cache depends linux-image-cloud-amd64 2> /dev/null | sed -n 's/.*Depends: \(linux-image-[^ ]*\)$/\1/p')
    [ -n "$package" ] || missing "the package linux-image-cloud-amd64"
    (cd "$work" && apt-get download -q "$package" > apt.log 2>&1 && dpkg-deb -x "$package"_*.deb linux && cp linux/boot/vmlinuz-* cd/vmlinuz) \
        || missing "$package could not be had: $work/apt.log"
    rm -rf "$work/linux" "$work/$package"_*.deb
fi

mkdir -p "$root/bin" "$root/dev" "$root/proc" "$root/tmp"
cp /bin/busybox "$root/bin/busybox"
cat > "$root/init" <<'END'
#!/bin/busybox sh
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox mount -t proc proc /proc
/bin/busybox stty -F /dev/ttyS0 -opost
export PATH=/bin
/bin/busybox --install /bin
sh /test > /dev/ttyS0 2>&1
echo "ended with status $?" > /dev/ttyS0
poweroff -f
END
chmod +x "$root/init"
(cd "$root" && find . | cpio -o -H newc --quiet) > "$work/cd/initrd" || exit 2
cp $boot $loader "$work/cd/"
# The sizes that bochs tells of two ways to save registers are not those that Linux expects, which goes without AVX-512 then: it is told to
# leave these two (bits 1 and 3 of word 10 of its features, xsavec and xsaves).
cat > "$work/cd/isolinux.cfg" <<'END'
default linux
prompt 0
timeout 1
label linux
 kernel vmlinuz
 append initrd=initrd quiet nosmp nokaslr mitigations=off lpj=100000 tsc=reliable no_timer_check clearcpuid=321,323
END
xorriso -as mkisofs -quiet -o "$work/cd.iso" -b isolinux.bin -c boot.cat -no-emul-boot -boot-load-size 4 -boot-info-table "$work/cd" \
    > "$work/xorriso.log" 2>&1 || exit 2
cat > "$work/bochsrc" <<END
cpu: model=corei7_skylake_x, count=1, ips=50000000
memory: guest=2048, host=2048
romimage: file=$roms/BIOS-bochs-latest
vgaromimage: file=$roms/VGABIOS-lgpl-latest
ata0-master: type=cdrom, path=$work/cd.iso, status=inserted
boot: cdrom
com1: enabled=1, mode=file, dev=$work/printed
display_library: rfb, options="timeout=0"
sound: waveoutdrv=dummy, waveindrv=dummy, midioutdrv=dummy
speaker: enabled=0
log: $work/bochs.log
panic: action=fatal
clock: sync=none
END
rm -f "$work/printed"
echo c > "$work/continue"                               # Debian's bochs begins in its debugger
timeout "$seconds" bochs -q -f "$work/bochsrc" -rc "$work/continue" > "$work/bochs.out" 2>&1 < /dev/null
# Power off is a panic to bochs; what counts is what the machine said last.
[ -e "$work/printed" ] || { echo "it did not start: $work/bochs.log"; exit 1; }
grep -v '^ended with status ' "$work/printed"
status=$(sed -n 's/^ended with status //p' "$work/printed")
[ -n "$status" ] || { echo "it did not end within $seconds s"; exit 1; }
[ "$status" = 0 ]
