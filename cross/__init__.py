"""What is made for other machines than this one: kernel modules, guests, SD images, update bundles."""
